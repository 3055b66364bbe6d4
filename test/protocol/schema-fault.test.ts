import { expect, test } from 'vitest';
import { z } from 'zod';
import { DisplayName, ShareName } from '../../protocol/ids.ts';
import { schemaFault } from '../../protocol/schema-fault.ts';

const faultOf = (schema: z.ZodType, value: unknown): string | undefined => {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  return issue && schemaFault(issue);
};

test.each([
  [DisplayName, '', 'is empty'],
  [DisplayName, 'x'.repeat(64), 'is longer than 63 bytes'],
  [DisplayName, 'a\ud800', 'is not valid Unicode'],
  [DisplayName, 'a\nb', 'contains control characters'],
  [DisplayName, ' a', 'begins or ends with a space'],
  [ShareName, 'a/b', 'contains a slash'],
  [ShareName, '..', 'means a folder by itself'],
  [z.string(), undefined, 'is missing'],
  [z.string(), 5, 'is wrong: expected string, received number'],
  [z.string().max(2), 'abc', 'is wrong: too big: expected string to have <=2 characters'],
])('a fault is the rest of a sentence that begins with a name: case %#', (schema, value, fault) => {
  expect(faultOf(schema, value)).toBe(fault);
});

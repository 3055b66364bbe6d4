/** What each release said to its peers, recorded: every later version must understand it for ever. Lines are added with a release and never changed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  AnyFrame,
  Cancel,
  ErrorFrame,
  Hello,
  PeerEvent,
  PeerRequest,
  peerResults,
  ResultFrame,
} from '../../protocol/peer.ts';

const Recorded = z.object({ as: z.string(), message: AnyFrame });
const schemas: Readonly<Record<string, z.ZodType>> = {
  hello: Hello,
  request: PeerRequest,
  event: PeerEvent,
  cancel: Cancel,
  error: ErrorFrame,
  ...Object.fromEntries(
    Object.entries(peerResults).map(([type, schema]) => [`result ${type}`, ResultFrame.and(schema)]),
  ),
};
const releases = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.jsonl'));

function recorded(release: string): z.infer<typeof Recorded>[] {
  const lines = readFileSync(join(import.meta.dirname, release), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => Recorded.parse(JSON.parse(line)));
}

describe.each(releases)('messages of %s', (release) => {
  test.each(recorded(release).map(({ as, message }) => [as, JSON.stringify(message), message] as const))(
    'are understood: %s %s',
    (as, _text, message) => {
      const schema = schemas[as];
      if (schema === undefined) throw new Error(`Nothing is known of "${as}".`);
      // A later version may fill in what this one did not say.
      expect(schema.parse(message)).toMatchObject(message);
    },
  );

  test('are understood with what later versions add to them', () => {
    for (const { as, message } of recorded(release))
      expect(schemas[as]?.parse({ ...message, later: { any: 'thing' } }), as).toMatchObject(message);
  });
});

test('the newest recording has every message of the present protocol', () => {
  const newest = recorded(releases.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? '');
  const said = new Set(
    newest.map(({ as, message }) => (as === 'request' || as === 'event' ? `${as} ${message.type}` : as)),
  );
  const requests = PeerRequest.options.map(({ shape }) => `request ${shape.type.value}`);
  const events = PeerEvent.options.map(({ shape }) => `event ${shape.type.value}`);
  const results = Object.keys(peerResults).map((type) => `result ${type}`);
  expect([...said].toSorted((a, b) => a.localeCompare(b))).toEqual(
    ['hello', 'cancel', 'error', ...requests, ...events, ...results].toSorted((a, b) => a.localeCompare(b)),
  );
});

/** What a schema finds wrong, as the rest of a sentence that begins with the thing's name. */
import type { z } from 'zod';

/** `is longer than 63 bytes`, `is missing`, `is wrong: expected number, received string`: without a full stop. */
export function schemaFault({ message }: Pick<z.core.$ZodIssue, 'message'>): string {
  // Our own schemas say it so already; zod's sentences begin with a capital.
  if (/^[a-z]/.test(message)) return message;
  if (message.endsWith(', received undefined')) return 'is missing';
  const text = message.replace(/^Invalid input: /, '');
  return `is wrong: ${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

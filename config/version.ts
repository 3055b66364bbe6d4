/** The version of this program, from the package.json beside it; built or not, it is one or two folders above. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { NethoodError } from '../protocol/errors.ts';

const Package = z.object({ name: z.literal('nethood'), version: z.string() });

export function readVersion(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      return Package.parse(JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))).version;
    } catch {
      // Not there, or another package's: the next place.
    }
  }
  throw new NethoodError('internal', 'The package.json of nethood is missing.');
}

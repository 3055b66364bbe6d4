import { createHash } from 'node:crypto';

/** What is being received: `.<8 hex>.nethood-part`. Never listed, never served. */
const pattern = /^\.[0-9a-f]{8}\.nethood-part$/;

export function isPartName(name: string): boolean {
  return pattern.test(name);
}

/** The same for the same things moved, so that a second try finds what the first one left. */
export function partName(...identity: readonly string[]): string {
  return `.${identityHash(...identity).slice(0, 8)}.nethood-part`;
}

/** 64 hex digits. */
export function identityHash(...identity: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}

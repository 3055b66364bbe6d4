import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits in base64url, made at each start: what `run/agent.json` proves its reader with. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** In a time that tells nothing of where they differ, nor of their lengths. */
export function sameToken(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

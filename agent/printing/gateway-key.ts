/** The key of a door: HTTP Basic (RFC 7617) with a secret of its own for each installed printer, as a print system sends it. */
import { createHash, timingSafeEqual } from 'node:crypto';

export const gatewayUser = 'nethood';
export const gatewayChallenge = 'Basic realm="nethood", charset="UTF-8"';

/** @param authorization the header as it came; absent is as wrong as any other */
export function opens(authorization: string | undefined, secret: string): boolean {
  const given = /^Basic +([A-Za-z0-9+/]{1,512}={0,2})$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && sameText(Buffer.from(given, 'base64').toString('utf8'), `${gatewayUser}:${secret}`);
}

/** In a time that tells nothing of where they differ, nor of their lengths. */
function sameText(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** For `name` and `text` (RFC 8011 5.1.2 and 5.1.3): no control characters, cut between characters at so many bytes. */
export function oneLine(text: string, mostBytes: number): string {
  const clean = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  if (Buffer.byteLength(clean) <= mostBytes) return clean;
  return new TextDecoder().decode(Buffer.from(clean).subarray(0, mostBytes)).replace(/\uFFFD+$/, '');
}

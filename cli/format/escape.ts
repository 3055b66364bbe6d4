/** Text from elsewhere, made harmless for a terminal: nothing that moves a cursor, turns text around or hides. */

/** Controls, formats (bidirectional marks, zero-width characters), lone surrogates, line and paragraph separators. */
const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const short: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

export function escapeText(text: string): string {
  return text.replace(harmful, (char) => short[char] ?? escapeChar(char));
}

/** One line of JSON in which every such character is written as JSON itself escapes it; the value is the same. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(harmful, (char) =>
    // Beyond the first plane JSON escapes both halves.
    Array.from({ length: char.length }, (_, at) => `\\u${hex(char.charCodeAt(at), 4)}`).join(''),
  );
}

function escapeChar(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${code.toString(16)}}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/**
 * Patterns of paths as shells have them: in a name `*` is any text, `?` one character, `[a-c]` and `[!a-c]` one of a
 * set; a name `**` is any number of folders. A name that begins with a dot is matched only by a pattern that does too.
 * Nothing backtracks further than to the last `*`, so that no pattern takes long. Pure.
 */

type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'many' }
  | { readonly kind: 'set'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] };

export interface NamePattern {
  /** `**`: this folder and all below. */
  readonly deep: boolean;
  /** @param name the bytes of one component of a wire path */
  matches(name: Uint8Array): boolean;
}

export interface PathPattern {
  /** The folder above the first name with a wildcard, as typed; empty: the share. */
  readonly base: string;
  /** What is below it, as typed. */
  readonly rest: string;
}

const wildcard = /[*?]|\[[^\]]+\]/;

/** Undefined where a path is no pattern. */
export function splitPattern(path: string): PathPattern | undefined {
  const names = path.split('/').filter((name) => name !== '');
  const first = names.findIndex((name) => wildcard.test(name));
  if (first < 0) return undefined;
  return { base: names.slice(0, first).join('/'), rest: names.slice(first).join('/') };
}

/** One for each name of `rest`. */
export function namePatterns(rest: string): NamePattern[] {
  return rest.split('/').map((name) => (name === '**' ? deepPattern : patternOf(name)));
}

const deepPattern: NamePattern = { deep: true, matches: (name) => !isHidden(textOf(name)) };

function patternOf(text: string): NamePattern {
  const tokens = tokensOf(text.normalize('NFC'));
  const hidden = isHidden(text);
  return {
    deep: false,
    matches: (name) => {
      const chars = textOf(name);
      return (hidden || !isHidden(chars)) && matchesAll(tokens, Array.from(chars));
    },
  };
}

function isHidden(name: string): boolean {
  return name.startsWith('.');
}

/** The same letters whatever their normalisation. Bytes that are no UTF-8 are characters of their own. */
function textOf(name: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name).normalize('NFC');
  } catch {
    return Buffer.from(name).toString('latin1');
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    const set = /^\[(!?)([^\]]+)\]/u.exec(text.slice(at));
    if (set !== null) {
      tokens.push({ kind: 'set', negated: set[1] === '!', ranges: rangesOf(set[2] ?? '') });
      at += set[0].length;
      continue;
    }
    const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
    tokens.push(char === '*' ? { kind: 'many' } : char === '?' ? { kind: 'one' } : { kind: 'char', char });
    at += char.length;
  }
  return tokens;
}

function rangesOf(text: string): [string, string][] {
  return Array.from(text.matchAll(/(.)-(.)|(.)/gsu), ([, from, to, alone]) =>
    alone === undefined ? [from ?? '', to ?? ''] : [alone, alone],
  );
}

function matchesAll(tokens: readonly Token[], chars: readonly string[]): boolean {
  /** Where the last `*` is, and how far it has been stretched. */
  let retry: { token: number; char: number } | undefined;
  let token = 0;
  let char = 0;
  while (char < chars.length) {
    if (tokens[token]?.kind === 'many') {
      retry = { token, char };
      token++;
    } else if (matchesOne(tokens[token], chars[char] ?? '')) {
      token++;
      char++;
    } else if (retry === undefined) {
      return false;
    } else {
      retry = { token: retry.token, char: retry.char + 1 };
      token = retry.token + 1;
      char = retry.char;
    }
  }
  return tokens.slice(token).every(({ kind }) => kind === 'many');
}

function matchesOne(token: Token | undefined, char: string): boolean {
  switch (token?.kind) {
    case 'char':
      return token.char === char;
    case 'one':
      return true;
    case 'set':
      return token.ranges.some(([from, to]) => from <= char && char <= to) !== token.negated;
    case 'many':
    case undefined:
      return false;
  }
}

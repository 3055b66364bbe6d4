/** The If header (RFC 4918 section 10.4): conditions on versions and locks. Pure. */
import { NethoodError } from '../../protocol/errors.ts';

export interface IfCondition {
  readonly not: boolean;
  readonly kind: 'token' | 'etag';
  /** A lock token without its brackets, or an ETag with its quotes. */
  readonly value: string;
}

/** True when all conditions of one list are. */
export interface IfList {
  /** A tagged list is about another resource than the one asked for. */
  readonly url: string | undefined;
  readonly conditions: readonly IfCondition[];
}

const mostConditions = 200;
const lexeme = /\s*(?:(\()|(\))|<([^<>\s]{1,8192})>|\[((?:W\/)?"[^"\]]*")\]|(Not)(?=[\s<[]))/iy;

/** True when one of the lists is. @throws `bad-request` where it fits no syntax */
export function parseIf(header: string): readonly IfList[] {
  const lists: IfList[] = [];
  const reader = new Reader(header.trim());
  while (!reader.ended) reader.readList(lists);
  if (lists.length === 0) throw malformed();
  return lists;
}

/** Every token that the client shows, also in what turns out false: it knows them (section 10.4.1). */
export function tokensIn(lists: readonly IfList[]): ReadonlySet<string> {
  const conditions = lists.flatMap((list) => list.conditions);
  return new Set(conditions.filter(({ kind }) => kind === 'token').map(({ value }) => value));
}

class Reader {
  readonly #text: string;
  #at = 0;
  #url: string | undefined;
  #conditions = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  readList(lists: IfList[]): void {
    const [, opening, , tag] = this.#next();
    if (tag !== undefined) {
      // Lists without a tag can't be followed by some with one.
      if (lists.length > 0 && this.#url === undefined) throw malformed();
      this.#url = tag;
      if (this.#next()[1] === undefined) throw malformed();
    } else if (opening === undefined) throw malformed();
    const conditions: IfCondition[] = [];
    for (let found = this.#condition(); found !== undefined; found = this.#condition()) conditions.push(found);
    if (conditions.length === 0) throw malformed();
    lists.push({ url: this.#url, conditions });
  }

  /** Undefined at the end of a list. */
  #condition(): IfCondition | undefined {
    const first = this.#next();
    const not = first[5] !== undefined;
    const [, , closing, token, etag] = not ? this.#next() : first;
    if (!not && closing !== undefined) return undefined;
    if (++this.#conditions > mostConditions) throw malformed();
    if (token !== undefined) return { not, kind: 'token', value: token };
    if (etag !== undefined) return { not, kind: 'etag', value: etag };
    throw malformed();
  }

  #next(): RegExpExecArray {
    lexeme.lastIndex = this.#at;
    const match = lexeme.exec(this.#text);
    if (match === null) throw malformed();
    this.#at = lexeme.lastIndex;
    return match;
  }
}

function malformed(): NethoodError {
  return new NethoodError('bad-request', 'The If header fits no syntax of RFC 4918 section 10.4.');
}

/** Conditional requests (RFC 9110 section 13). Pure. */
import type { IncomingHttpHeaders } from 'node:http';

export interface CurrentVersion {
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

type Verdict = 'go-on' | 'not-modified' | 'failed';

/** In the order of section 13.2.2. `current` is undefined where nothing is there. */
export function preconditions(
  headers: IncomingHttpHeaders,
  current: CurrentVersion | undefined,
  reading: boolean,
): Verdict {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  const expected =
    match === undefined
      ? changedSince(headers['if-unmodified-since'], current) !== true
      : isListed(match, current, 'strong');
  if (!expected) return 'failed';
  if (noneMatch !== undefined) {
    if (!isListed(noneMatch, current, 'weak')) return 'go-on';
    return reading ? 'not-modified' : 'failed';
  }
  return reading && changedSince(headers['if-modified-since'], current) === false ? 'not-modified' : 'go-on';
}

/** Whether the version must be known before the request can be answered. */
export function isConditional(headers: IncomingHttpHeaders): boolean {
  const names = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'] as const;
  return names.some((name) => headers[name] !== undefined);
}

/** Whether a Range header counts (section 13.1.5): a part is of use only to who has the rest of the same version. */
export function rangeCounts(headers: IncomingHttpHeaders, current: CurrentVersion | undefined): boolean {
  const condition = headers['if-range'];
  if (typeof condition !== 'string') return true;
  if (current === undefined) return false;
  if (condition.startsWith('"')) return condition === current.etag;
  return Date.parse(condition) === wholeSeconds(current.modified);
}

const entityTag = /(?:W\/)?"[^"]*"/g;

/** Compared strongly or weakly (RFC 9110 section 8.8.3.2); ours are all strong. */
function isListed(header: string, current: CurrentVersion | undefined, how: 'strong' | 'weak'): boolean {
  if (current === undefined) return false;
  if (header.trim() === '*') return true;
  return tagsIn(header).some((tag) => (how === 'weak' ? tag.replace(/^W\//, '') : tag) === current.etag);
}

function tagsIn(header: string): string[] {
  return Array.from(header.matchAll(entityTag), ([tag]) => tag);
}

/** Undefined where the header is absent or no date, and so is to be ignored. */
function changedSince(header: string | undefined, current: CurrentVersion | undefined): boolean | undefined {
  const date = Date.parse(header ?? '');
  if (Number.isNaN(date) || current === undefined) return undefined;
  return wholeSeconds(current.modified) > date;
}

/** HTTP dates know no smaller parts. */
function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}

import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { preconditions, rangeCounts } from '../../agent/files/http-conditions.ts';

const modified = Date.UTC(2026, 10, 21, 12, 0, 0, 500);
const current = { etag: '"v1"', modified };
const at = (seconds: number): string => new Date(modified - 500 + seconds * 1000).toUTCString();

describe('while something is there', () => {
  it.each<[IncomingHttpHeaders, string, string]>([
    [{}, 'go-on', 'go-on'],
    [{ 'if-match': '"v1"' }, 'go-on', 'go-on'],
    [{ 'if-match': '"v0", "v1"' }, 'go-on', 'go-on'],
    [{ 'if-match': '*' }, 'go-on', 'go-on'],
    [{ 'if-match': '"v0"' }, 'failed', 'failed'],
    [{ 'if-match': 'W/"v1"' }, 'failed', 'failed'],
    [{ 'if-none-match': '"v1"' }, 'not-modified', 'failed'],
    [{ 'if-none-match': 'W/"v1"' }, 'not-modified', 'failed'],
    [{ 'if-none-match': '*' }, 'not-modified', 'failed'],
    [{ 'if-none-match': '"v0"' }, 'go-on', 'go-on'],
    [{ 'if-modified-since': at(0) }, 'not-modified', 'go-on'],
    [{ 'if-modified-since': at(-1) }, 'go-on', 'go-on'],
    [{ 'if-modified-since': 'yesterday' }, 'go-on', 'go-on'],
    [{ 'if-none-match': '"v0"', 'if-modified-since': at(0) }, 'go-on', 'go-on'],
    [{ 'if-unmodified-since': at(0) }, 'go-on', 'go-on'],
    [{ 'if-unmodified-since': at(-1) }, 'failed', 'failed'],
    [{ 'if-match': '"v1"', 'if-unmodified-since': at(-1) }, 'go-on', 'go-on'],
  ])('%o gives a reader %s, a writer %s', (headers, reader, writer) => {
    expect(preconditions(headers, current, true)).toBe(reader);
    expect(preconditions(headers, current, false)).toBe(writer);
  });
});

describe('while nothing is there', () => {
  it.each<[IncomingHttpHeaders, string]>([
    [{ 'if-match': '*' }, 'failed'],
    [{ 'if-match': '"v1"' }, 'failed'],
    [{ 'if-none-match': '*' }, 'go-on'],
    [{ 'if-unmodified-since': at(0) }, 'go-on'],
  ])('%o gives a writer %s', (headers, writer) => {
    expect(preconditions(headers, undefined, false)).toBe(writer);
  });
});

it.each([
  [undefined, true],
  ['"v1"', true],
  ['"v0"', false],
  ['W/"v1"', false],
  [at(0), true],
  [at(1), false],
])('with If-Range: %s a range counts: %s', (header, counts) => {
  expect(rangeCounts(header === undefined ? {} : { 'if-range': header }, current)).toBe(counts);
});

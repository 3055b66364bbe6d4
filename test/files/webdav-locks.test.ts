import { beforeEach, expect, it } from 'vitest';
import { NethoodError } from '../../protocol/errors.ts';
import { type Lock, lockLimits, LockTable } from '../../agent/files/webdav-locks.ts';
import { parseWirePath } from '../../protocol/wire-path.ts';
import { SimClock } from '../sim/clock.ts';

let clock: SimClock;
let locks: LockTable;
let made: number;

beforeEach(() => {
  clock = new SimClock();
  locks = new LockTable(clock);
  made = 0;
});

function lock(root: string, options: Partial<Lock> = {}): Lock {
  const token = `urn:uuid:${++made}`;
  const rest = { kind: 'file', exclusive: true, deep: false, owner: undefined, seconds: 60 } as const;
  return { token, root: parseWirePath(root), ...rest, ...options };
}

const on = (path: string): string[] => locks.on(parseWirePath(path)).map(({ root }) => root);
const below = (path: string): string[][] =>
  locks.below(parseWirePath(path)).map((list) => list.map(({ root }) => root));

it('holds for its resource, and a deep one for all below', () => {
  locks.add(lock('a/b'));
  locks.add(lock('c', { deep: true, kind: 'folder' }));
  expect([on('a'), on('a/b'), on('a/b/c'), on('a/bc')]).toEqual([[], ['a/b'], [], []]);
  expect([on('c'), on('c/d/e'), on('cd')]).toEqual([['c'], ['c'], []]);
  expect([below(''), below('a'), below('a/b')]).toEqual([[['a/b'], ['c']], [['a/b']], []]);
});

it('of the root holds for everything only when deep', () => {
  locks.add(lock('', { kind: 'folder' }));
  expect([on(''), on('a')]).toEqual([[''], []]);
  expect(locks.add(lock('a'))).toEqual([]);
  expect(locks.add(lock('b', { deep: true }))).toEqual([]);
});

it.each([
  ['exclusive', 'exclusive', 1],
  ['exclusive', 'shared', 1],
  ['shared', 'exclusive', 1],
  ['shared', 'shared', 0],
])('%s lets %s in the same place: %i in the way', (first, second, conflicts) => {
  locks.add(lock('a', { exclusive: first === 'exclusive' }));
  expect(locks.add(lock('a', { exclusive: second === 'exclusive' }))).toHaveLength(conflicts);
  expect(on('a')).toHaveLength(2 - conflicts);
});

it('is refused above another when deep, and below a deep one', () => {
  locks.add(lock('a/b'));
  expect(locks.add(lock('a', { kind: 'folder' }))).toEqual([]);
  expect(locks.add(lock('', { kind: 'folder', deep: true })).map(({ root }) => root)).toEqual(['a/b', 'a']);
  locks.add(lock('d', { kind: 'folder', deep: true }));
  expect(locks.add(lock('d/e')).map(({ root }) => root)).toEqual(['d']);
});

it('expires, unless it is refreshed', async () => {
  const [one, two] = [lock('a'), lock('b')];
  locks.add(one);
  locks.add(two);
  await clock.advance(59_000);
  expect(locks.refresh(two.token, 100)?.seconds).toBe(100);
  await clock.advance(2_000);
  expect([on('a'), on('b')]).toEqual([[], ['b']]);
  expect(locks.refresh(one.token, 100)).toBeUndefined();
  await clock.advance(98_000);
  expect(on('b')).toEqual([]);
  expect(locks.add(lock('b'))).toEqual([]);
});

it('ends with its resource', () => {
  for (const root of ['a', 'a/b', 'a/b/c', 'ab']) locks.add(lock(root));
  locks.forget(parseWirePath('a'));
  expect(below('')).toEqual([['ab']]);
});

it('is one of a bounded number', async () => {
  for (let n = 0; n < lockLimits.locks; n++) locks.add(lock(String(n)));
  expect(() => locks.add(lock('more'))).toThrow(NethoodError);
  await clock.advance(60_000);
  expect(locks.add(lock('more'))).toEqual([]);
  for (let n = 0; n < lockLimits.perPath; n++) locks.add(lock('shared', { exclusive: false }));
  expect(() => locks.add(lock('shared', { exclusive: false }))).toThrow(NethoodError);
  expect(() => locks.add(lock('talkative', { owner: 'x'.repeat(5000) }))).toThrow(NethoodError);
});

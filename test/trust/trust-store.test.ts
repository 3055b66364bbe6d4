import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeviceId } from '../../protocol/ids.ts';
import { openTrustStore, type TrustEntry } from '../../agent/trust/trust-store.ts';

const ann = DeviceId.parse('a'.repeat(52));
const bob = DeviceId.parse('b'.repeat(52));
const when = '2026-07-01T10:00:00Z';
const paired: Omit<TrustEntry, 'id'> = { trust: 'paired', label: 'Ann', how: 'pairing', when };
const blocked: Omit<TrustEntry, 'id'> = { trust: 'blocked', label: 'Ann', how: 'user', when };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trust-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the trust store', () => {
  test('knows only strangers at first, and writes nothing', async () => {
    const store = await openTrustStore(folder);
    expect(store.trustOf(ann)).toBe('stranger');
    expect(store.list()).toEqual([]);
    await expect(readFile(join(folder, 'trust.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('remembers entries over a restart and tells each change once', async () => {
    const store = await openTrustStore(folder);
    const changed: DeviceId[] = [];
    store.events.on('changed', (id) => changed.push(id));
    await store.set(ann, paired);
    await store.set(ann, { ...paired, label: 'Ann at home' });
    await store.set(bob, blocked);
    expect(changed).toEqual([ann, bob]);
    const again = await openTrustStore(folder);
    expect(again.trustOf(ann)).toBe('paired');
    expect(again.trustOf(bob)).toBe('blocked');
    expect(again.list()).toEqual([
      { id: ann, ...paired, label: 'Ann at home' },
      { id: bob, ...blocked },
    ]);
  });

  test('makes a stranger of whom it removes', async () => {
    const store = await openTrustStore(folder);
    await store.set(ann, paired);
    await store.remove(ann);
    expect(store.trustOf(ann)).toBe('stranger');
    expect((await openTrustStore(folder)).trustOf(ann)).toBe('stranger');
  });

  test('keeps every one of many changes at once', async () => {
    const store = await openTrustStore(folder);
    const ids = Array.from('abcdefgh', (letter) => DeviceId.parse(letter.repeat(52)));
    await Promise.all(ids.map((id) => store.set(id, paired)));
    expect((await openTrustStore(folder)).list().map(({ id }) => id)).toEqual(ids);
  });

  test('blocks at once, and trusts only when it is on disk', async () => {
    const store = await openTrustStore(folder);
    const pairing = store.set(bob, paired);
    const blocking = store.set(ann, blocked);
    expect(store.trustOf(bob)).toBe('stranger');
    expect(store.trustOf(ann)).toBe('blocked');
    await Promise.all([pairing, blocking]);
    expect(store.trustOf(bob)).toBe('paired');
  });

  test('never lets a pairing that is being saved undo a later block', async () => {
    const store = await openTrustStore(folder);
    const seen: string[] = [];
    store.events.on('changed', (id) => seen.push(store.trustOf(id)));
    await Promise.all([store.set(ann, paired), store.set(ann, blocked)]);
    expect(seen).toEqual(['blocked']);
    expect((await openTrustStore(folder)).trustOf(ann)).toBe('blocked');
  });

  test('keeps a block in force that could not be saved', async () => {
    const store = await openTrustStore(folder);
    await mkdir(join(folder, 'trust.json'));
    await expect(store.set(ann, blocked)).rejects.toThrow();
    expect(store.trustOf(ann)).toBe('blocked');
    await expect(store.set(bob, paired)).rejects.toThrow();
    expect(store.trustOf(bob)).toBe('stranger');
  });
});

describe('a broken trust file', () => {
  test.each([
    ['half-written', '{"version":1,"entries":[{"id":"a'],
    ['empty', ''],
    ['of a later version', '{"version":2,"entries":[]}'],
    ['with an unknown word', JSON.stringify({ version: 1, entries: [{ id: ann, ...paired, trust: 'office' }] })],
  ])('that is %s gives the last good copy, says so, and is never overwritten', async (_, content) => {
    const store = await openTrustStore(folder);
    await store.set(bob, blocked);
    const path = join(folder, 'trust.json');
    await writeFile(path, content);
    const again = await openTrustStore(folder);
    expect(again.trustOf(bob)).toBe('blocked');
    expect(again.problem).toContain(path);
    await expect(again.set(ann, paired)).rejects.toMatchObject({ code: 'config-invalid' });
    expect(await readFile(path, 'utf8')).toBe(content);
  });

  test('without a good copy starts nothing, because who is blocked would be forgotten', async () => {
    await writeFile(join(folder, 'trust.json'), '{');
    await expect(openTrustStore(folder)).rejects.toMatchObject({ code: 'config-invalid' });
  });

  test('that cannot be read starts nothing', async () => {
    await mkdir(join(folder, 'trust.json'));
    await expect(openTrustStore(folder)).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

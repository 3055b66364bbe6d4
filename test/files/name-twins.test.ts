import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { type GuardedFolder, guardOf, openGuarded } from '../../agent/files/guarded-folder.ts';
import { NameTwins } from '../../agent/files/name-twins.ts';
import { SimClock } from '../sim/clock.ts';
import { temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let path: string;
let folder: GuardedFolder;
let clock: SimClock;
let twins: NameTwins;
beforeEach(async () => {
  path = await temporaryFolder(scope);
  for (const name of ['there', 'Other']) await writeFile(join(path, name), '');
  const opened = await openGuarded(Buffer.from(path), [], guardOf(process.platform));
  scope.defer(() => opened.close());
  folder = opened;
  clock = new SimClock();
  twins = new NameTwins(clock);
});

const knows = async (...names: string[]): Promise<boolean[]> => {
  const known = await twins.namesOf(folder);
  return names.map((name) => known?.has(Buffer.from(name)) === true);
};

const twinOf = async (name: string): Promise<string | undefined> =>
  (await twins.twinOf(folder, Buffer.from(name)))?.toString();

it('knows the names of a folder, however they are written', async () => {
  expect(await knows('there', 'THERE', 'other', 'another')).toEqual([true, true, true, false]);
  expect([await twinOf('OTHER'), await twinOf('Other'), await twinOf('another')]).toEqual([
    'Other',
    undefined,
    undefined,
  ]);
});

it('reads a folder again after a while only, and is told of what is added meanwhile', async () => {
  expect(await knows('told', 'untold')).toEqual([false, false]);
  for (const name of ['told', 'untold']) await writeFile(join(path, name), '');
  await twins.added(folder, Buffer.from('told'));
  expect(await knows('told', 'untold')).toEqual([true, false]);
  await clock.advance(1001);
  expect(await knows('told', 'untold')).toEqual([true, true]);
});

it('misses nothing that is added while it reads', async () => {
  const reading = twins.namesOf(folder);
  const [first, second] = [await Promise.all([reading, twins.namesOf(folder)])].flat();
  expect(first).toBe(second);
  await clock.advance(1001);
  const again = twins.namesOf(folder);
  await writeFile(join(path, 'new'), '');
  await twins.added(folder, Buffer.from('new'));
  expect((await again)?.has(Buffer.from('new'))).toBe(true);
});

it('has no names of a folder that cannot be read, and tries again', async () => {
  const gone = { ...folder, path: Buffer.from(join(path, 'gone')) };
  await expect(twins.namesOf(gone)).rejects.toThrow('ENOENT');
  const file = { ...folder, path: Buffer.from(join(path, 'there')) };
  await expect(twins.namesOf(file)).rejects.toThrow('ENOTDIR');
  await expect(twins.namesOf(file)).rejects.toThrow('ENOTDIR');
  expect(await knows('there')).toEqual([true]);
});

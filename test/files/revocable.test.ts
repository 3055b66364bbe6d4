/** A share that is taken back is taken back at once, also from those who are in the middle of a file. */
import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { Revocable } from '../../agent/files/revocable.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { HttpExchange } from '../../agent/peers/neighbours.ts';
import type { TransferView } from '../../protocol/control.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, never, temporaryFolder } from './files-support.ts';

let scope: Scope;
let anna: AnnasShare;
let home: string;
let transfers: Transfers;

beforeEach(async () => {
  scope = new Scope();
  anna = await AnnasShare.open(scope, { rights: 'write' });
  anna.bytesPerSecond = 20_000_000;
  home = await temporaryFolder(scope);
  const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock };
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
});
afterEach(() => scope[Symbol.asyncDispose]());

/** At a megabyte of it `act` is done. */
async function ended(begun: TransferView, act: () => Promise<unknown>): Promise<TransferView> {
  let last = begun;
  let acted = false;
  for await (const next of transfers.watch(begun.id, never)) {
    last = next;
    if (acted || next.bytes < 1_000_000) continue;
    acted = true;
    await act();
  }
  expect(acted).toBe(true);
  return last;
}

const begin = (path: string): Promise<TransferView> =>
  transfers.get({
    neighbour: annaId,
    share: anna.share,
    path: wirePathFromPlain(path),
    source: path,
    destination: home,
  });
const changed = (change: object): Promise<unknown> => anna.shares.config.update((config) => ({ ...config, ...change }));

const gone = (what: string): object => ({
  state: 'failed',
  error: { code: 'not-found', message: `"${what}" is no longer shared with this device.` },
});

describe('a get under way', () => {
  it('of a file ends when its share is no longer there', async () => {
    await writeFile(join(anna.folder, 'big'), randomBytes(40_000_000));
    expect(await ended(await begin('big'), () => changed({ shares: [] }))).toMatchObject(gone('big'));
    expect((await readdir(home)).filter((name) => name !== 'state')).toEqual([]);
  });

  it('of many files ends when its owner pauses', async () => {
    for (let at = 0; at < 40; at++) await writeFile(join(anna.folder, `file ${at}`), randomBytes(1_000_000));
    const view = await ended(await begin(''), () => changed({ paused: true }));
    expect(view).toMatchObject(gone(''));
    expect(view.files).toBeLessThan(40);
  });
});

it('a put under way ends when the share becomes read-only, and nothing of it is named', async () => {
  await writeFile(join(home, 'big'), randomBytes(40_000_000));
  const order = { neighbour: annaId, share: anna.share, readings: [rootPath], place: 'Anna/Public', into: true };
  const begun = await transfers.put({ ...order, source: join(home, 'big'), keep: false });
  const shares = anna.shares.config.current.shares.map((share) => ({ ...share, rights: 'read' }));
  expect(await ended(begun, () => changed({ shares }))).toMatchObject({
    state: 'failed',
    error: { code: 'not-permitted' },
  });
  expect((await readdir(anna.folder)).filter((name) => name === 'big')).toEqual([]);
});

it('what nobody took back goes on, however often shares change', async () => {
  await writeFile(join(anna.folder, 'big'), randomBytes(20_000_000));
  const { folder } = anna;
  const done = await ended(await begin('big'), async () => {
    await anna.shares.add({ folder, name: 'Other', audience: 'everyone', rights: 'read' });
    await anna.shares.remove('Other');
  });
  expect(done).toMatchObject({ state: 'done', bytes: 20_000_000 });
});

it('nobody is asked about any more when it has ended', async () => {
  const revocable = scope.use(new Revocable(anna.shares));
  let asked = 0;
  const exchange = { signal: new AbortController().signal } as HttpExchange;
  await revocable.during(
    exchange,
    () => asked++,
    () => Promise.resolve(),
  );
  await changed({ paused: true });
  expect(asked).toBe(0);
});

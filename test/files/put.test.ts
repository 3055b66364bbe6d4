import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { PutOrder, Transfers } from '../../agent/files/files-service.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { typedPathReadings } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, never, sha256, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let anna: AnnasShare;
let home: string;
let transfers: Transfers & AsyncDisposable;

beforeEach(async () => {
  anna = await AnnasShare.open(scope, { rights: 'write' });
  home = await temporaryFolder(scope);
  const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock };
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
});

const begin = (source: string, path = '', more: Partial<PutOrder> = {}): Promise<TransferView> =>
  transfers.put({
    neighbour: annaId,
    share: anna.share,
    readings: typedPathReadings(path),
    source: join(home, source),
    place: 'Anna/Public',
    into: false,
    keep: false,
    ...more,
  });

async function ended(view: TransferView): Promise<TransferView> {
  let last = view;
  for await (const next of transfers.watch(view.id, never)) last = next;
  return last;
}

const put = async (source: string, path = '', more: Partial<PutOrder> = {}): Promise<TransferView> =>
  ended(await begin(source, path, more));

async function have(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(home, path, '..'), { recursive: true });
  await writeFile(join(home, path), content);
  await utimes(join(home, path), 0, 1_600_000_000.123_5);
}

const there = (path: string): string => join(anna.folder, path);

describe('a file', () => {
  it('arrives whole, with its time, and leaves nothing else behind', async () => {
    await have('report.pdf', randomBytes(20_000_000));
    const view = await put('report.pdf');
    expect(view).toMatchObject({ state: 'done', destination: 'Anna/Public/report.pdf', files: 1, bytes: 20_000_000 });
    expect(await sha256(there('report.pdf'))).toBe(await sha256(join(home, 'report.pdf')));
    expect((await stat(there('report.pdf'))).mtimeMs).toBeCloseTo(1_600_000_000_123, 0);
    expect(await readdir(anna.folder)).toEqual(['report.pdf']);
  });
});

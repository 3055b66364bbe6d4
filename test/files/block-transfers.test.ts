/** A file that comes in blocks: what a fault of memory or disk changed on the way is found before it has a name. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { blockBytes } from '../../agent/files/block-digest.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { RateLimit } from '../../agent/files/rate-limit.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { features } from '../../protocol/peer.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, never, sha256, temporaryFolder } from './files-support.ts';

const outer = new Scope();
afterAll(() => outer[Symbol.asyncDispose]());

const size = 20 * blockBytes + 12_345;
let anna: AnnasShare;
let home: string;
let target: string;
let transfers: Transfers & AsyncDisposable;

const agent = async (limit?: RateLimit): Promise<Transfers & AsyncDisposable> =>
  outer.use(
    await createTransfers({
      neighbours: anna.neighbours,
      stateFolder: join(home, 'state'),
      clock: systemClock,
      random: () => 1,
      log: silentLog,
      ...(limit === undefined ? {} : { limit }),
    }),
  );

beforeEach(async () => {
  anna = await AnnasShare.open(outer);
  home = await temporaryFolder(outer);
  target = join(home, 'target');
  await mkdir(target);
  transfers = await agent();
});

const begin = (name: string): Promise<TransferView> =>
  transfers.get({
    neighbour: annaId,
    share: anna.share,
    path: wirePathFromPlain(name),
    source: `Anna/Public/${name}`,
    destination: target,
  });

async function get(name: string): Promise<TransferView> {
  let last = await begin(name);
  for await (const next of transfers.watch(last.id, never)) last = next;
  return last;
}

async function annaHas(name: string, content: Buffer): Promise<string> {
  await writeFile(join(anna.folder, name), content);
  return sha256(join(anna.folder, name));
}

/** Some megabytes have come when the agent is ended. */
async function interrupted(): Promise<string> {
  const hash = await annaHas('big', randomBytes(size));
  anna.cutAfter = 12_000_000;
  await begin('big');
  await expect.poll(() => transfers.list()[0]?.state, { timeout: 10_000 }).toBe('waiting');
  await transfers[Symbol.asyncDispose]();
  transfers = await agent();
  return hash;
}

async function partPath(): Promise<string> {
  const name = (await readdir(target)).find((each) => each.endsWith('.nethood-part'));
  return join(target, name ?? '');
}

async function flipByte(path: string, position: number): Promise<void> {
  await using file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, position);
}

/** Counts bytes to Bob, and changes one where told. */
const damageAt = (...places: number[]): void => {
  let passed = 0;
  anna.tamper = (bytes) => {
    for (const place of places)
      if (place >= passed && place < passed + bytes.length) bytes[place - passed] = (bytes[place - passed] ?? 0) ^ 1;
    passed += bytes.length;
  };
};

describe('a byte that changes on the way', () => {
  it('is found, and only what is from its block on comes again', async () => {
    const hash = await annaHas('big', randomBytes(size));
    damageAt(12_000_000);
    expect(await get('big')).toMatchObject({ state: 'done', bytes: size, error: null });
    expect(await sha256(join(target, 'big'))).toBe(hash);
    expect(anna.requests).toEqual(['GET', `GET bytes=${11 * blockBytes}-`]);
  });

  it('is found in the last block too, which is shorter', async () => {
    const hash = await annaHas('small', randomBytes(1000));
    damageAt(1200);
    expect(await get('small')).toMatchObject({ state: 'done', bytes: 1000 });
    expect(await sha256(join(target, 'small'))).toBe(hash);
    expect(anna.requests).toEqual(['GET', 'GET']);
  });

  it('again and again ends it as damaged, and nothing is left', async () => {
    await annaHas('big', randomBytes(size));
    anna.tamper = (bytes) => {
      if (bytes.length > 40_000) bytes[30_000] = (bytes[30_000] ?? 0) ^ 1;
    };
    expect(await get('big')).toMatchObject({ state: 'failed', error: { code: 'damaged' } });
    expect([await readdir(target), await readdir(join(home, 'state', 'transfers'))]).toEqual([[], []]);
  });
});

describe('a byte that changes in a folder of small files', () => {
  it.each([
    ['one stream', []],
    ['archives', ['tree']],
  ])('that comes as %s is found, and its file comes again', async (_how, missing) => {
    anna.features = new Set(features.filter((feature) => !missing.includes(feature)));
    await mkdir(join(anna.folder, 'docs'));
    const content = Buffer.alloc(100_000, 'a');
    for (let file = 0; file < 20; file++) await writeFile(join(anna.folder, 'docs', `${file}`), content);
    let done = false;
    anna.tamper = (bytes) => {
      const at = done ? -1 : bytes.indexOf(content.subarray(0, 500));
      if (at < 0) return;
      bytes[at + 250] = 0;
      done = true;
    };
    expect(await get('docs')).toMatchObject({ state: 'done', files: 20, bytes: 2_000_000, error: null });
    expect(done).toBe(true);
    for (const name of await readdir(join(target, 'docs')))
      expect((await readFile(join(target, 'docs', name))).equals(content)).toBe(true);
    expect(anna.requests.filter((request) => request.startsWith('GET'))).toHaveLength(1);
  });
});

describe('what is there of an earlier try', () => {
  it('is read again and kept, but for what was on its way', async () => {
    const hash = await interrupted();
    const { resumedFrom, state } = await get('big');
    expect([state, await sha256(join(target, 'big'))]).toEqual(['done', hash]);
    // What the relay held, and the block that was not whole yet.
    expect(resumedFrom).toBeGreaterThan(12_000_000 - 5 * blockBytes);
    expect(await readdir(join(home, 'state', 'transfers'))).toEqual([]);
  });

  it('is kept as far as it is what was written', async () => {
    const hash = await interrupted();
    await flipByte(await partPath(), 3 * blockBytes + 77);
    expect(await get('big')).toMatchObject({ state: 'done', resumedFrom: 3 * blockBytes });
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });

  it('is kept as far as the log of it goes, whatever a power cut did to that', async () => {
    const hash = await interrupted();
    const records = join(home, 'state', 'transfers');
    const log = (await readdir(records)).find((name) => name.endsWith('.digests'));
    await truncate(join(records, log ?? ''), 4 * 5 + 3);
    expect(await get('big')).toMatchObject({ state: 'done', resumedFrom: 5 * blockBytes });
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });

  it('comes again where the log is gone', async () => {
    const hash = await interrupted();
    const records = join(home, 'state', 'transfers');
    for (const name of await readdir(records)) if (name.endsWith('.digests')) await rm(join(records, name));
    expect(await get('big')).toMatchObject({ state: 'done', resumedFrom: 0 });
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });
});

const holey = async (): Promise<string> => {
  await using file = await open(join(anna.folder, 'disk.img'), 'w');
  for (const position of [0, 7 * blockBytes + 8192, 30 * blockBytes])
    await file.write(randomBytes(10_000), 0, 10_000, position);
  await file.truncate(100 * blockBytes + 1);
  return sha256(join(anna.folder, 'disk.img'));
};
const allocated = async (path: string): Promise<number> => (await stat(path)).blocks * 512;

describe('a file with holes', () => {
  it('has them here too, comes without them, and needs room only for the rest', async () => {
    const hash = await holey();
    let passed = 0;
    anna.tamper = (bytes) => void (passed += bytes.length);
    expect(await get('disk.img')).toMatchObject({ state: 'done', bytes: 100 * blockBytes + 1 });
    expect(await sha256(join(target, 'disk.img'))).toBe(hash);
    expect(await allocated(join(target, 'disk.img'))).toBeLessThanOrEqual(
      await allocated(join(anna.folder, 'disk.img')),
    );
    expect(passed).toBeLessThan(4 * blockBytes);
  });

  it('is resumed', async () => {
    const hash = await holey();
    anna.cutAfter = 2 * blockBytes + 100_000;
    await begin('disk.img');
    await expect.poll(() => transfers.list()[0]?.state, { timeout: 10_000 }).toBe('waiting');
    await transfers[Symbol.asyncDispose]();
    transfers = await agent();
    expect((await get('disk.img')).resumedFrom).toBeGreaterThanOrEqual(7 * blockBytes);
    expect(await sha256(join(target, 'disk.img'))).toBe(hash);
    expect(await allocated(join(target, 'disk.img'))).toBeLessThan(blockBytes);
  });
});

describe('an owner whose version knows no blocks', () => {
  it('sends the file all the same, and it is resumed', async () => {
    anna.plain = true;
    const hash = await interrupted();
    expect((await get('big')).resumedFrom).toBeGreaterThan(5 * blockBytes);
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });
});

describe('a slow network', () => {
  it('is told as the limit, with the time that is left', async () => {
    anna.bytesPerSecond = 4_000_000;
    await annaHas('big', randomBytes(12_000_000));
    const { id } = await begin('big');
    const views: TransferView[] = [];
    for await (const view of transfers.watch(id, never)) views.push(view);
    expect(views.at(-1)).toMatchObject({ state: 'done', secondsLeft: null, limit: 'network' });
    const left = views.flatMap(({ secondsLeft }) => secondsLeft ?? []);
    expect(left.length).toBeGreaterThan(3);
    expect(left.at(-1)).toBeLessThan(left[0] ?? 0);
  });
});

describe('a limit that the user set', () => {
  it('is kept, and told as the limit', async () => {
    await transfers[Symbol.asyncDispose]();
    transfers = await agent(new RateLimit(systemClock, () => 4_000_000));
    const hash = await annaHas('big', randomBytes(8_000_000));
    const { seconds, limit } = await get('big');
    expect(seconds).toBeGreaterThan(1.7);
    expect(limit).toBe('setting');
    expect(await readFile(join(target, 'big')).then((content) => content.length)).toBe(8_000_000);
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });
});

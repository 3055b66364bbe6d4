/** A folder that is not here yet comes as one stream; what the stream cannot bring, the list of its files does. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { frameKinds, FrameReader, headBytes, putHead } from '../../agent/files/tree-frames.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { seededRandom } from '../office/counts.ts';
import { AnnasShare, annaId, ask, never, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let anna: AnnasShare;
let target: string;
let transfers: Transfers & AsyncDisposable;

beforeEach(async () => {
  anna = await AnnasShare.open(scope);
  const home = await temporaryFolder(scope);
  target = join(home, 'target');
  await mkdir(target);
  const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock };
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
});

const begin = (path: string): Promise<TransferView> =>
  transfers.get({
    neighbour: annaId,
    share: anna.share,
    path: path === '' ? rootPath : wirePathFromPlain(path),
    source: `Anna/Public/${path}`,
    destination: target,
  });

async function ended(view: TransferView): Promise<TransferView> {
  let last = view;
  for await (const next of transfers.watch(view.id, never)) last = next;
  return last;
}

const get = async (path: string): Promise<TransferView> => ended(await begin(path));

/** Every path below a folder with its time and content, names as latin1. */
async function contentOf(folder: string | Buffer): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { encoding: 'buffer' })) {
    const path = Buffer.concat([Buffer.from(folder), Buffer.from('/'), entry]);
    const stats = await lstat(path);
    const name = entry.toString('latin1');
    const time = Math.floor(stats.mtimeMs);
    if (stats.isFile()) found[name] = `${time} ${(await readFile(path)).toString('latin1')}`;
    if (!stats.isDirectory()) continue;
    found[`${name}/`] = String(time);
    for (const [below, what] of Object.entries(await contentOf(path))) found[`${name}/${below}`] = what;
  }
  return found;
}

async function project(files: number): Promise<void> {
  for (let at = 0; at < files; at++) {
    const folder = join(anna.folder, 'work', `part ${at % 7}`, at % 3 === 0 ? 'below' : '');
    await mkdir(folder, { recursive: true });
    const path = join(folder, `file ${at}.txt`);
    await writeFile(path, `content of ${at}`.repeat(at % 50));
    await utimes(path, 0, 1_600_000_000 + at + (at % 1000) / 1000);
  }
  // Larger than a buffer of the stream; larger than what a stream carries.
  await writeFile(join(anna.folder, 'work', 'part 3', 'middle.bin'), randomBytes(1_000_000));
  await writeFile(join(anna.folder, 'work', 'large.bin'), randomBytes(9_000_000));
  await mkdir(join(anna.folder, 'work', 'empty', 'within'), { recursive: true });
}

const expectSame = async (): Promise<void> =>
  expect(await contentOf(join(target, 'work'))).toEqual(await contentOf(join(anna.folder, 'work')));

it('arrives with all names, contents and times, empty folders too, by one request and one for a large file', async () => {
  await project(500);
  expect(await get('work')).toMatchObject({ state: 'done', files: 502, filesTotal: 502, skipped: 0, resumedFrom: 0 });
  await expectSame();
  expect(anna.requests.toSorted()).toEqual(['GET', 'POST']);
  expect(await readdir(target)).toEqual(['work']);
});

it('brings names that are no text byte for byte', async () => {
  const names = [
    Buffer.from('two\nlines'),
    Buffer.from('\u001B[31m'),
    Buffer.alloc(255, 'x'),
    Buffer.from([0xff, 0xc3]),
  ];
  await mkdir(join(anna.folder, 'work'));
  for (const name of names) {
    const folder = Buffer.concat([Buffer.from(`${anna.folder}/work/`), name]);
    await mkdir(folder);
    await writeFile(Buffer.concat([folder, Buffer.from('/'), name]), name);
  }
  expect(await get('work')).toMatchObject({ state: 'done', files: 4, skipped: 0 });
  await expectSame();
});

it('leaves out links, and what is still being received, and counts the links', async () => {
  await mkdir(join(anna.folder, 'work', '.00000000.nethood-part'), { recursive: true });
  await writeFile(join(anna.folder, 'work', 'file'), 'x');
  await symlink('/etc', join(anna.folder, 'work', 'folder link'));
  await symlink('file', join(anna.folder, 'work', 'file link'));
  expect(await get('work')).toMatchObject({ state: 'done', files: 1, skipped: 2 });
  expect(await readdir(join(target, 'work'))).toEqual(['file']);
});

it('goes on by the list where the connection breaks, and no byte counts twice', async () => {
  await project(500);
  anna.cutAfter = 300_000;
  const view = await get('work');
  expect(view).toMatchObject({ state: 'done', files: 502, filesTotal: 502, skipped: 0, resumedFrom: 0 });
  expect(view.bytes).toBe(view.bytesTotal);
  await expectSame();
});

it('tells its totals where it takes long', async () => {
  await project(50);
  const url = `${anna.url}/files/${anna.share}/tree/work`;
  for (let at = 0; at < 20; at++) await writeFile(join(anna.folder, 'work', `middle ${at}`), randomBytes(1_000_000));
  const response = await begun(url);
  const reader = new FrameReader(8 << 20);
  const totals: number[][] = [];
  for await (const bytes of response as AsyncIterable<Buffer>) {
    for (const { kind, modified, size } of reader.add(bytes))
      if (kind === frameKinds.totals) totals.push([modified, size]);
    // As over a slow connection, until they are counted.
    if (totals.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const sizes = Array.from({ length: 50 }, (_, at) => `content of ${at}`.length * (at % 50));
  expect(totals).toEqual([[72, sizes.reduce((sum, size) => sum + size, 30_000_000)]]);
});

it('is fetched by the list where the neighbour has no thread left for it', async () => {
  await project(50);
  // More than the system takes for somebody who does not read.
  for (let at = 0; at < 8; at++) await writeFile(join(anna.folder, 'work', `middle ${at}`), randomBytes(8_000_000));
  const url = `${anna.url}/files/${anna.share}/tree/work`;
  // Not read to their end, and as many as one may have.
  const held = await Promise.all([begun(url), begun(url)]);
  expect((await ask(url, { method: 'POST' })).status).toBe(429);
  expect(await get('work')).toMatchObject({ state: 'done', files: 60 });
  for (const response of held) response.destroy();
  await expectSame();
});

function begun(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', agent: false }, resolve).on('error', reject).end();
  });
}

it('makes a folder before it asks for a large file in it', async () => {
  await mkdir(join(anna.folder, 'work'));
  let stream: ServerResponse | undefined;
  const server = createServer((asked, response) => {
    if (asked.method === 'POST') {
      response.write(Buffer.concat([head(frameKinds.folder), head(frameKinds.fileAlone, 1, 3)]));
      stream = response;
    } else {
      response.writeHead(200, { etag: '"1"', 'nethood-modified': 0, 'content-length': 3 }).end('abc');
      stream?.end(head(frameKinds.end, 1));
    }
  });
  await answeredBy(server);
  expect(await get('work')).toMatchObject({ state: 'done', files: 1, error: null });
  expect(await readFile(join(target, 'work', 'a', 'a'), 'utf8')).toBe('abc');
});

/** Instead of Anna. */
async function answeredBy(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => server.close());
  const { port } = server.address() as AddressInfo;
  const agent = new Agent();
  Object.assign(agent, { createConnection: () => connect(port, '127.0.0.1') });
  Object.assign(anna.neighbours, { httpAgent: () => agent });
}

const head = (kind: number, depth = 0, size = 0): Buffer => {
  const buffer = Buffer.alloc(headBytes + 1);
  putHead(buffer, 0, { kind: kind as 0, depth, modified: 0, size }, Buffer.from('a'));
  return buffer;
};
const named = (name: string): Buffer => {
  const buffer = Buffer.alloc(headBytes + name.length);
  putHead(buffer, 0, { kind: frameKinds.file, depth: 0, modified: 0, size: 0 }, Buffer.from(name));
  return buffer;
};

describe('a neighbour that sends', () => {
  const end = head(frameKinds.end, 1);
  const odd = Buffer.from(head(frameKinds.file));
  odd.writeDoubleBE(Number.NaN, 14);

  it.each([
    ['a way out of the folder', [named('..'), end]],
    ['two names in one', [named('b/c'), end]],
    ['a file without a name', [named(''), end]],
    ['a file before its folder', [head(frameKinds.file, 1), end]],
    ['a kind that is unknown', [head(9), end]],
    ['a size that is none', [odd, end]],
    ['a size below nothing', [head(frameKinds.file, 0, -1), end]],
    ['a file larger than agreed', [head(frameKinds.file, 0, 2 ** 40), end]],
    ['more after the end', [end, head(frameKinds.file)]],
  ])('%s is refused, and nothing of it is kept', async (_what, frames) => {
    await mkdir(join(anna.folder, 'work'));
    await answeredBy(createServer((_request, response) => response.end(Buffer.concat(frames))));
    expect(await get('work')).toMatchObject({ state: 'failed', error: { code: 'bad-message' } });
    expect([await readdir(target), await readdir(join(target, 'work'))]).toEqual([['work'], []]);
  });
});

it('is the same frames however its bytes are cut', () => {
  const random = seededRandom();
  const stream: Buffer[] = [];
  for (let at = 0; at < 200; at++) {
    const kind = [frameKinds.folder, frameKinds.file, frameKinds.fileAlone][at % 3] ?? frameKinds.file;
    const size = kind === frameKinds.folder ? 0 : Math.floor(random() * 300);
    const name = Buffer.from(`name ${at}`);
    const buffer = Buffer.alloc(headBytes + name.length + (kind === frameKinds.file ? size : 0), at);
    putHead(buffer, 0, { kind, depth: at, modified: at - 100, size }, name);
    stream.push(buffer);
  }
  const whole = Buffer.concat(stream);
  const read = (most: number): string[] => {
    const reader = new FrameReader(1000);
    const frames: string[] = [];
    for (let at = 0; at < whole.length;) {
      const end = at + 1 + Math.floor(random() * most);
      for (const { name, content, ...rest } of reader.add(whole.subarray(at, end)))
        frames.push(JSON.stringify([rest, name.toString(), content.toString('latin1')]));
      at = end;
    }
    return frames;
  };
  const wanted = read(whole.length * 2);
  expect(wanted).toHaveLength(stream.length);
  for (const most of [1, 2, 30, 1000]) expect(read(most)).toEqual(wanted);
});

describe('over sockets as agents dial them', () => {
  beforeEach(async () => {
    anna = await AnnasShare.open(scope, { secure: true });
    const home = await temporaryFolder(scope);
    const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock };
    transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
  });

  it('a short stream that comes together with its head is whole at once', async () => {
    await writeFile(join(anna.folder, 'song.txt'), 'la la la');
    expect(await get('')).toMatchObject({ state: 'done', files: 1, bytes: 8, error: null });
  });

  it('a stream that breaks off goes on at once, not when it has been silent for a minute', async () => {
    await project(500);
    anna.cutAfter = 300_000;
    const began = Date.now();
    expect(await get('work')).toMatchObject({ state: 'done', files: 502, error: null });
    expect(Date.now() - began).toBeLessThan(20_000);
  });
});

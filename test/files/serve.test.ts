import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { readArchive } from '../../agent/files/archive-format.ts';
import { blockBytes } from '../../agent/files/block-digest.ts';
import { blocksType, headBytes } from '../../agent/files/block-frames.ts';
import { pathFromComponents } from '../../protocol/wire-path.ts';
import { SimClock } from '../sim/clock.ts';
import { AnnasShare, ask } from './files-support.ts';

const scope = new Scope();
let anna: AnnasShare;
let url: string;
const content = randomBytes(100_000);

beforeAll(async () => {
  anna = await AnnasShare.open(scope);
  url = `${anna.url}/files/${anna.share}`;
  await writeFile(join(anna.folder, 'file'), content);
  await utimes(join(anna.folder, 'file'), 0, 1_700_000_000.5);
});
afterAll(() => scope[Symbol.asyncDispose]());

function errorOf(body: Buffer): unknown {
  return JSON.parse(body.toString()).error.code;
}

/** The data of blocks without their heads. */
function unframed(body: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < body.length; at += headBytes + blockBytes)
    blocks.push(body.subarray(at + headBytes, at + headBytes + blockBytes));
  return Buffer.concat(blocks);
}

describe('one file over HTTP', () => {
  it('comes whole with its length, version and time', async () => {
    const { status, headers, body } = await ask(`${url}/file`);
    expect(status).toBe(200);
    expect(body.equals(content)).toBe(true);
    expect(headers).toMatchObject({
      'content-length': '100000',
      'accept-ranges': 'bytes',
      'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
      'nethood-modified': '1700000000500',
    });
    expect(headers.etag).toMatch(/^"[\w.-]+"$/);
  });

  it('comes whole to a reader slower than the disk: no buffer is filled again before it was sent', async () => {
    const large = randomBytes(24 << 20);
    await writeFile(join(anna.folder, 'large'), large);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${url}/large`, { agent: false }, resolve).on('error', reject).end();
    });
    const chunks: Buffer[] = [];
    for await (const bytes of response as AsyncIterable<Buffer>) {
      chunks.push(bytes);
      if (chunks.length % 16 === 0) await turn();
    }
    expect(Buffer.concat(chunks).equals(large)).toBe(true);
  });

  it.each(['*/*', blocksType])(
    'comes whole to each of ten at once, among whom memory is shared (%s)',
    async (accept) => {
      const large = randomBytes(3 << 20);
      await writeFile(join(anna.folder, 'popular'), large);
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => ask(`${url}/popular`, { headers: { accept } })),
      );
      const bodies = answers.map(({ body }) => (accept === blocksType ? unframed(body) : body));
      expect(bodies.map((body) => body.equals(large))).toEqual(Array.from({ length: 10 }, () => true));
    },
  );

  it('comes in parts', async () => {
    const { status, headers, body } = await ask(`${url}/file`, { headers: { range: 'bytes=10-19' } });
    expect([status, headers['content-range'], headers['content-length']]).toEqual([206, 'bytes 10-19/100000', '10']);
    expect(body.equals(content.subarray(10, 20))).toBe(true);
  });

  it('waits for none that was sent before it', async () => {
    await using own = new Scope();
    const { url: at, folder, share } = await AnnasShare.open(own, { clock: new SimClock() });
    await writeFile(join(folder, 'file'), content);
    for (const accept of ['*/*', '*/*', '*/*', blocksType, blocksType, blocksType])
      expect((await ask(`${at}/files/${share}/file`, { headers: { accept } })).status).toBe(200);
  });

  it('says by 416 how long it is', async () => {
    const { status, headers, body } = await ask(`${url}/file`, { headers: { range: 'bytes=100000-' } });
    expect([status, headers['content-range'], errorOf(body)]).toEqual([416, 'bytes */100000', 'range']);
  });

  it('says by HEAD what GET would', async () => {
    const [head, get] = [await ask(`${url}/file`, { method: 'HEAD' }), await ask(`${url}/file`)];
    expect(head.status).toBe(200);
    expect(head.body).toHaveLength(0);
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
    expect((await ask(`${url}/none`, { method: 'HEAD' })).status).toBe(404);
  });

  it('is sent only in the version asked for', async () => {
    const { headers } = await ask(`${url}/file`, { method: 'HEAD' });
    expect((await ask(`${url}/file`, { headers: { 'if-match': headers.etag } })).status).toBe(200);
    expect((await ask(`${url}/file`, { headers: { 'if-match': '*' } })).status).toBe(200);
    const other = await ask(`${url}/file`, { headers: { 'if-match': '"other"' } });
    expect([other.status, errorOf(other.body)]).toEqual([412, 'changed']);
  });

  it('is sent whole instead of a part of another version (If-Range)', async () => {
    const { headers } = await ask(`${url}/file`, { method: 'HEAD' });
    const part = { range: 'bytes=0-0' };
    expect((await ask(`${url}/file`, { headers: { ...part, 'if-range': headers.etag } })).status).toBe(206);
    expect((await ask(`${url}/file`, { headers: { ...part, 'if-range': '"other"' } })).status).toBe(200);
  });

  it.each([
    ['/../file', 400],
    ['/%2e%2e/file', 400],
    ['/.%2E/file', 400],
    ['/a%2Fb', 400],
    ['/a%00b', 400],
    ['/a//b', 400],
    ['/./file', 400],
    ['/%2Fetc%2Fpasswd', 400],
    ['/..%5C..%5Cetc', 404],
    ['/missing', 404],
    ['', 404],
    ['/', 404],
  ])('is never outside of the share: %s is %i', async (path, status) => {
    // Not through URL, which would resolve the dots.
    const { port } = new URL(anna.url);
    const got = await new Promise((resolve, reject) => {
      const sent = request(
        { port, host: '127.0.0.1', path: `/files/${anna.share}${path}`, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sent.on('error', reject).end();
    });
    expect(got).toBe(status);
  });

  it('is not found in an unknown share, nor in one that is not for the asker', async () => {
    const { id } = await anna.shares.add({ folder: anna.folder, name: 'Team', audience: 'colleagues', rights: 'read' });
    const [unknown, forbidden, strange] = [
      await ask(`${anna.url}/files/${'a'.repeat(26)}/file`),
      await ask(`${anna.url}/files/${id}/file`),
      await ask(`${anna.url}/files/x/file`),
    ];
    expect([unknown.status, forbidden.status, strange.status]).toEqual([404, 404, 404]);
    expect(forbidden.body.toString()).toBe(unknown.body.toString());
    await anna.shares.remove('Team');
  });

  it('cannot be written where the share can only be read, and is not known to be there where it cannot be seen', async () => {
    const { id } = await anna.shares.add({
      folder: anna.folder,
      name: 'Ours',
      audience: 'colleagues',
      rights: 'write',
    });
    const put = { method: 'PUT', body: 'x' };
    const [readable, forbidden, unknown] = [
      await ask(`${url}/file`, put),
      await ask(`${anna.url}/files/${id}/file`, put),
      await ask(`${anna.url}/files/${'a'.repeat(26)}/file`, put),
    ];
    expect([readable.status, errorOf(readable.body)]).toEqual([403, 'not-permitted']);
    expect([forbidden.status, errorOf(forbidden.body)]).toEqual([404, 'not-found']);
    expect(forbidden.body.toString()).toBe(unknown.body.toString());
    expect(await readFile(join(anna.folder, 'file'))).toEqual(content);
    await anna.shares.remove('Ours');
  });

  it.each(['shrinks', 'grows', 'is overwritten'])('that %s while it is sent breaks the connection', async (how) => {
    const path = join(anna.folder, 'changing');
    await writeFile(path, Buffer.alloc(64 << 20));
    const outcome = await new Promise((resolve) => {
      const sent = request(`${url}/changing`, { agent: false }, (response) => {
        let size = 0;
        const change = async (): Promise<void> => {
          if (how === 'shrinks') await truncate(path, 1000);
          else if (how === 'grows') await appendFile(path, 'more');
          else await writeFile(path, Buffer.alloc(64 << 20, 1));
          response.resume();
        };
        response.once('readable', () => void change());
        response.on('data', (bytes: Buffer) => (size += bytes.length)).pause();
        response.on('end', () => resolve(`whole with ${size}`)).on('error', () => resolve('broken'));
      });
      sent.end();
    });
    expect(outcome).toBe('broken');
  });

  it('is not sent to one who asks for too much at once', async () => {
    await writeFile(join(anna.folder, 'large'), Buffer.alloc(16 << 20));
    const held = await Promise.all(
      Array.from(
        { length: 16 },
        () =>
          new Promise<() => void>((resolve) => {
            const sent = request(`${url}/large`, { agent: false }, (response) => {
              response.on('error', () => undefined);
              resolve(() => response.destroy());
            });
            sent.on('error', () => undefined).end();
          }),
      ),
    );
    const { status, headers, body } = await ask(`${url}/file`);
    expect([status, errorOf(body), headers['retry-after']]).toEqual([429, 'busy', '1']);
    for (const release of held) release();
    await expect.poll(async () => (await ask(`${url}/file`)).status).toBe(200);
  });
});

async function archive(lines: string[]) {
  const { status, body } = await ask(`${url}/archive`, { method: 'POST', body: lines.join('\n') });
  if (status !== 200) return { status, code: errorOf(body), files: [], missing: [] };
  const files = new Map<string, { content: string; modified: number }>();
  let missing: unknown[] = [];
  for await (const item of readArchive(Readable.from([body]))) {
    if ('missing' in item) missing = item.missing;
    else files.set(item.path, { content: item.content.toString('latin1'), modified: item.modified });
  }
  return { status, code: undefined, files: [...files], missing };
}

describe('an archive', () => {
  it('brings each file that is there, and says what is missing and why', async () => {
    await mkdir(join(anna.folder, 'sub'), { recursive: true });
    await writeFile(join(anna.folder, 'sub', 'empty'), '');
    await writeFile(join(anna.folder, 'sub', 'one'), 'one');
    await utimes(join(anna.folder, 'sub', 'one'), 0, 1_600_000_000.123_5);
    await utimes(join(anna.folder, 'sub', 'empty'), 0, 5);
    const wanted = ['sub/one', 'gone', 'sub', 'sub/empty', 'no/folder/at/all'];
    const { files, missing } = await archive(wanted.map((path) => JSON.stringify(path)));
    expect(files).toEqual([
      ['sub/one', { content: 'one', modified: 1_600_000_000_123 }],
      ['sub/empty', { content: '', modified: 5000 }],
    ]);
    expect(missing).toEqual([
      { path: 'gone', code: 'not-found' },
      { path: 'sub', code: 'not-a-file' },
      { path: 'no/folder/at/all', code: 'not-found' },
    ]);
  });

  it('keeps names that no tar could hold otherwise', async () => {
    const names = [
      Buffer.from('two\nlines'),
      Buffer.alloc(255, 'ü'),
      Buffer.from([0xff, 0x80]),
      Buffer.from('%report'),
    ].map((name) => name.subarray(0, 255));
    for (const name of names) await writeFile(Buffer.concat([Buffer.from(`${anna.folder}/`), name]), name);
    const paths = names.map((name) => pathFromComponents([name]));
    const { files, missing } = await archive(paths.map((path) => JSON.stringify(path)));
    expect(missing).toEqual([]);
    expect(files.map(([path]) => path)).toEqual(paths);
    expect(files.map(([, { content: bytes }]) => bytes)).toEqual(names.map((name) => name.toString('latin1')));
  });

  it('leaves out files too large for it', async () => {
    await writeFile(join(anna.folder, 'too large'), Buffer.alloc((8 << 20) + 1));
    expect((await archive(['"too%20large"'])).missing).toEqual([{ path: 'too%20large', code: 'too-large' }]);
  });

  it.each([
    [['no json'], 400, 'bad-path'],
    [['"../x"'], 400, 'bad-path'],
    [['{"path":"x"}'], 400, 'bad-path'],
    [Array.from({ length: 4097 }, () => '"x"'), 413, 'too-large'],
    [['"', 'x'.repeat(5 << 20), '"'], 413, 'too-large'],
  ])('is refused for a list that makes no sense (%#)', async (lines, status, code) => {
    expect(await archive(lines)).toMatchObject({ status, code });
  });

  it('may be asked for and hold nothing', async () => {
    expect(await archive([])).toMatchObject({ status: 200, files: [], missing: [] });
  });
});

describe('a file put over HTTP', () => {
  let put: (path: string, body: string, headers?: object) => ReturnType<typeof ask>;
  let folder: string;
  let base: string;
  beforeAll(async () => {
    const open = await AnnasShare.open(scope, { rights: 'write' });
    ({ folder } = open);
    base = `${open.url}/files/${open.share}/`;
    put = (path, body, headers = {}) => ask(`${base}${path}`, { method: 'PUT', body, headers });
  });
  const there = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  const tried = async (path: string, headers: object): Promise<unknown> =>
    errorOf((await put(path, 'x', headers)).body);

  it('is answered when it is there, with its version', async () => {
    const { status, headers, body } = await put('a%20b', 'one', { 'nethood-modified': '1700000000123' });
    const answer = JSON.parse(body.toString());
    const entry = { path: 'a%20b', kind: 'file', size: 3, modified: 1_700_000_000_123 };
    expect([status, answer]).toEqual([201, { entry, etag: headers.etag, created: true }]);
    expect(await there('a b')).toBe('one');
    expect((await put('a%20b', 'two')).status).toBe(200);
    expect(await there('a b')).toBe('two');
  });

  it('replaces the version that was meant, and nothing where nothing was to be', async () => {
    const { etag } = (await put('version', 'one')).headers;
    const codes = [
      (await put('version', 'two', { 'if-none-match': '*' })).status,
      (await put('version', 'two', { 'if-match': etag })).status,
      (await put('version', 'three', { 'if-match': etag })).status,
      (await put('absent', 'x', { 'if-match': '*' })).status,
    ];
    expect(codes).toEqual([409, 200, 412, 412]);
    expect(await there('version')).toBe('two');
  });

  it('is refused as a part, under conditions that make no sense, and at places where it cannot be', async () => {
    expect(await tried('part', { 'content-range': 'bytes 0-0/2' })).toBe('bad-request');
    expect(await tried('part', { 'if-none-match': '"x"' })).toBe('bad-request');
    expect(await tried('part', { 'nethood-modified': 'yesterday' })).toBe('bad-request');
    expect(await tried('', {})).toBe('not-permitted');
    expect(await tried('a//b', {})).toBe('bad-path');
    expect(await tried('..%2fcanary', {})).toBe('bad-path');
    expect(await tried('missing/file', {})).toBe('not-found');
  });

  it('that breaks off leaves what was there, and nothing else', async () => {
    await put('kept', 'before');
    const [before, broken] = [await readdir(folder), new AbortController()];
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(3_000_000);
        await expect.poll(async () => (await readdir(folder)).length).toBe(before.length + 1);
        broken.abort();
      })(),
    );
    const { port, pathname } = new URL(base);
    const sent = new Promise((resolve) => {
      const asked = request({ port, path: `${pathname}kept`, method: 'PUT', agent: false, signal: broken.signal });
      asked.on('error', resolve).on('response', () => resolve('answered'));
      asked.setHeader('content-length', 9_000_000);
      body.pipe(asked);
    });
    expect(String(await sent)).toContain('abort');
    await expect.poll(() => readdir(folder)).toEqual(before);
    expect(await there('kept')).toBe('before');
  });
});

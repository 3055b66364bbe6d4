/** What a hostile or broken neighbour may say when it puts files: nothing outside of the share, nothing half, nothing that lies about. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { createUploads } from '../../agent/files/uploads.ts';
import { DeviceId } from '../../protocol/ids.ts';
import { parseWirePath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { SimClock } from '../sim/clock.ts';
import { AnnasShare, annaId, type Answer, ask, bob, codeOf, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let anna: AnnasShare;
let outside: string;

beforeEach(async () => {
  anna = await AnnasShare.open(scope, { rights: 'write' });
  outside = await temporaryFolder(scope);
  await mkdir(join(anna.folder, 'sub'));
  await symlink(outside, join(anna.folder, 'link'));
});

const post = (what: string, headers: object, body: string | Buffer = ''): Promise<Answer> =>
  ask(`${anna.url}/files/${anna.share}/${what}`, { method: 'POST', headers: { ...headers }, body });

const codeIn = ({ status, body }: Answer): unknown => [status, JSON.parse(body.toString()).error?.code];

interface Part {
  readonly size?: number;
  readonly offset?: number;
  readonly digest?: Buffer;
}

function part(path: string, content: Buffer, { size, offset = 0, digest }: Part = {}): Promise<Answer> {
  const headers = {
    'nethood-run': 'one',
    'nethood-size': size ?? offset + content.length,
    'nethood-offset': offset,
    'nethood-modified': 1_700_000_000_123,
  };
  return post(
    `part/${path}`,
    headers,
    Buffer.concat([content, digest ?? createHash('sha256').update(content).digest()]),
  );
}

const offered = (path: string, entry: string, kind: 'file' | 'folder' = 'file'): Promise<unknown> =>
  anna.neighbours
    .request(annaId, 'offer', {
      share: anna.share,
      path: parseWirePath(path),
      keep: false,
      entries: [{ path: parseWirePath(entry), kind, size: 9_000_000, modified: 1 }],
    })
    .then(({ answers }) => answers[0]);

const namesThere = async (): Promise<string[]> => (await readdir(anna.folder)).toSorted();

describe('nothing outside of the share is written', () => {
  it('through a link in the path', async () => {
    expect(codeIn(await part('link/x', Buffer.from('x')))).toEqual([404, 'not-found']);
    expect(codeIn(await post('held/link/x', { 'nethood-run': 'one' }))).toEqual([404, 'not-found']);
    expect(codeIn(await post('archive-in/link', {}, await tarOf([['x', 'x']])))).toEqual([404, 'not-found']);
    expect(JSON.parse((await post('archive-in/', {}, await tarOf([['link/x', 'x']]))).body.toString())).toEqual({
      taken: 0,
      failed: [{ at: 0, code: 'not-found' }],
    });
    expect(await offered('link', 'x')).toMatchObject({ state: 'refused', code: 'not-found' });
    expect(await offered('', 'link', 'folder')).toMatchObject({ state: 'refused', code: 'exists' });
    expect(await readdir(outside)).toEqual([]);
  });

  it('by a link that is called like the file', async () => {
    await writeFile(join(outside, 'file'), 'outside');
    await symlink(join(outside, 'file'), join(anna.folder, 'x'));
    expect(codeIn(await part('x', Buffer.from('x')))).toEqual([409, 'exists']);
    expect(JSON.parse((await post('archive-in/', {}, await tarOf([['x', 'x']]))).body.toString())).toEqual({
      taken: 0,
      failed: [{ at: 0, code: 'exists' }],
    });
    expect(await readFile(join(outside, 'file'), 'utf8')).toBe('outside');
  });

  it.each(['part/../x', 'part/a//b', 'part/%2E%2E/x', 'part/a%2Fb', 'held/..', 'archive-in/..', 'part/', 'nothing/x'])(
    'at %s',
    async (what) => {
      const headers = { 'nethood-run': 'one', 'nethood-size': 0, 'nethood-offset': 0, 'nethood-modified': 0 };
      expect((await post(what, headers, createHash('sha256').digest())).status).toBeGreaterThanOrEqual(400);
      expect(await namesThere()).toEqual(['link', 'sub']);
    },
  );

  it.each([
    ['a name that leads up', '../x', 'file'],
    ['a name that leads away', '/etc/x', 'file'],
    ['a link', 'link', 'symlink'],
    ['a folder', 'folder', 'directory'],
  ] as const)('by %s in a tar', async (_what, name, type) => {
    const tar = await tarOf([
      ['sub/fine', 'fine'],
      [name, '', type],
    ]);
    expect(codeIn(await post('archive-in/', {}, tar))).toEqual([400, 'bad-message']);
    expect(await namesThere()).toEqual(['link', 'sub']);
    expect(await readdir(outside)).toEqual([]);
  });
});

async function tarOf(
  entries: readonly (readonly [string, string, ('file' | 'symlink' | 'directory')?])[],
): Promise<Buffer> {
  const tar = pack();
  for (const [name, content, type = 'file'] of entries)
    tar.entry(
      { name, type, pax: { mtime: '1700000000.123' }, ...(type === 'symlink' ? { linkname: '/etc/passwd' } : {}) },
      content,
    );
  tar.entry({ name: '%report' }, '{"missing":[]}');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const bytes of tar) chunks.push(bytes as Buffer);
  return Buffer.concat(chunks);
}

describe('nothing half is named', () => {
  it('where the bytes are not those that were sent', async () => {
    expect(codeIn(await part('x', Buffer.from('content'), { digest: randomBytes(32) }))).toEqual([502, 'interrupted']);
    expect(await namesThere()).toEqual(['link', 'sub']);
  });

  it.each([
    ['more than was said', 3],
    ['less than was said', 30],
  ])('where there is %s', async (_what, size) => {
    expect(codeIn(await part('x', Buffer.from('content'), { size }))).toEqual([400, 'bad-request']);
    expect(await namesThere()).toEqual(['link', 'sub']);
  });

  it('where it goes on after bytes that nobody has', async () => {
    expect(codeIn(await part('x', Buffer.from('content'), { offset: 5 }))).toEqual([412, 'changed']);
    expect(await namesThere()).toEqual(['link', 'sub']);
  });

  it('of a tar that is cut off, but what came whole is there', async () => {
    const tar = await tarOf([
      ['a', 'whole'],
      ['b', 'x'.repeat(5000)],
    ]);
    const { status } = await post('archive-in/sub', {}, tar.subarray(0, 5000));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(await readdir(join(anna.folder, 'sub'))).toEqual(['a']);
  });
});

describe('the right to write', () => {
  it('is asked for by each request', async () => {
    const reader = await AnnasShare.open(scope);
    anna = reader;
    await mkdir(join(anna.folder, 'sub'));
    const refused = [403, 'not-permitted'];
    expect(codeIn(await part('x', Buffer.from('x')))).toEqual(refused);
    expect(codeIn(await post('held/x', { 'nethood-run': 'one' }))).toEqual(refused);
    expect(codeIn(await post('archive-in/sub', {}, await tarOf([['x', 'x']])))).toEqual(refused);
    expect(await codeOf(offered('', 'x'))).toBe('not-permitted');
    const folders = [{ path: wirePathFromPlain('sub'), modified: 0 }];
    const sealed = anna.neighbours.request(annaId, 'seal', { share: anna.share, path: wirePathFromPlain(''), folders });
    expect(await codeOf(sealed)).toBe('not-permitted');
    expect(await readdir(join(anna.folder, 'sub'))).toEqual([]);
  });

  it('ends at the quota, and nothing is left of what met it', async () => {
    await anna.shares.config.update((config) => ({
      ...config,
      shares: config.shares.map((share) => ({ ...share, quota: 1_000_000 })),
    }));
    expect(codeIn(await part('x', randomBytes(1_500_000)))).toEqual([413, 'too-large']);
    const tar = await tarOf([
      ['a', 'x'.repeat(700_000)],
      ['b', 'x'.repeat(700_000)],
    ]);
    expect(codeIn(await post('archive-in/sub', {}, tar))).toEqual([413, 'too-large']);
    expect(await namesThere()).toEqual(['link', 'sub']);
    expect((await part('y', randomBytes(200_000))).status).toBe(200);
  });

  it('ends at the quota for a file that is gone on with, too: all of it counts', async () => {
    await anna.shares.config.update((config) => ({
      ...config,
      shares: config.shares.map((share) => ({ ...share, quota: 20_000_000 })),
    }));
    const content = randomBytes(15_000_000);
    anna.takenAtMost = 12_000_000;
    await expect(part('x', content)).rejects.toThrow();
    let held = 0;
    await expect
      .poll(async () => (held = Number((await post('held/x', { 'nethood-run': 'one' })).headers['nethood-held'])))
      .toBeGreaterThan(1_000_000);
    expect((await part('y', randomBytes(10_000_000))).status).toBe(200);
    expect(codeIn(await part('x', content.subarray(held), { offset: held }))).toEqual([413, 'too-large']);
  });
});

describe('what is kept of an upload', () => {
  it("is no other device's", async () => {
    const uploads = scope.use(
      await createUploads({ stateFolder: await temporaryFolder(scope), clock: new SimClock(), log: silentLog }),
    );
    const other = { ...bob, id: DeviceId.parse('c'.repeat(52)) };
    const path = wirePathFromPlain('x');
    expect(uploads.keyOf(other, anna.share, path)).not.toBe(uploads.keyOf(bob, anna.share, path));
  });

  it('is only what a later life of the agent can go on with', async () => {
    const deps = { stateFolder: await temporaryFolder(scope), clock: new SimClock(), log: silentLog };
    const uploads = scope.use(await createUploads(deps));
    const tree = anna.shares.writable(bob, anna.share);
    await tree.spots.hold(wirePathFromPlain('x'), async (spot) => {
      await using _ = await uploads.open('a'.repeat(64), spot, { offset: 0 });
      const staging = await uploads.staging(spot.folder, (name) => tree.spots.open([name]));
      await writeFile(Buffer.concat([staging.path, Buffer.from('small-1')]), 'x');
    });
    expect(await namesThere()).toHaveLength(4);
    scope.use(await createUploads(deps));
    expect(await namesThere()).toHaveLength(3);
  });

  it('goes a day later, while the agent runs, and nothing else does', async () => {
    const clock = new SimClock();
    const stateFolder = await temporaryFolder(scope);
    const uploads = scope.use(await createUploads({ stateFolder, clock, log: silentLog }));
    const tree = anna.shares.writable(bob, anna.share);
    const path = wirePathFromPlain('x');
    await tree.spots.hold(path, async (spot) => {
      await using file = await uploads.open('a'.repeat(64), spot, { offset: 0 });
      file.add(Buffer.from('some bytes'));
      await file.settle();
      await uploads.staging(spot.folder, (name) => tree.spots.open([name]));
    });
    await writeFile(join(anna.folder, '.01234567.nethood-part'), 'of another');
    expect(await namesThere()).toHaveLength(5);
    await clock.advance(23 * 60 * 60_000);
    expect(await namesThere()).toHaveLength(5);
    await clock.advance(2 * 60 * 60_000);
    await expect.poll(namesThere).toEqual(['.01234567.nethood-part', 'link', 'sub']);
    await rm(join(anna.folder, '.01234567.nethood-part'));
  });
});

it('a folder is said to be fresh only by the offer that makes it', async () => {
  expect(await offered('', 'new', 'folder')).toEqual({ state: 'here', fresh: true });
  expect(await offered('', 'new', 'folder')).toEqual({ state: 'here' });
  expect(await offered('', 'sub', 'folder')).toEqual({ state: 'here' });
});

/** WebDAV over a share on disk: many entries, links, uploads that break off or meet. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { ask, bob, openShares, temporaryFolder } from '../files/files-support.ts';
import { type DavServer, serveDav } from '../files/webdav-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let outside: string;
let folder: string;
let server: DavServer;

beforeAll(async () => {
  outside = await temporaryFolder(scope);
  folder = join(outside, 'share');
  await mkdir(folder);
  const shares = await openShares(scope);
  const { id } = await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'write' });
  const tree = shares.writable(bob, id);
  server = await serveDav(scope, { tree, writable: tree });
});

async function propfind(path: string): Promise<string> {
  const { status, body } = await ask(server.url + path, { method: 'PROPFIND', headers: { depth: '1' } });
  expect(status).toBe(207);
  return body.toString();
}

it('tells of 10,000 entries within a second on an idle machine', async () => {
  await mkdir(join(folder, 'many'));
  for (let n = 0; n < 10_000; n++) writeFileSync(join(folder, 'many', `file ${n}.txt`), '');
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const begun = performance.now();
    const text = await propfind('many/');
    times.push(performance.now() - begun);
    expect(text.match(/<D:response>/g)).toHaveLength(10_001);
  }
  console.log(`PROPFIND of 10,000 entries: ${times.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
  // Other tests share the processors: the best of three, with room.
  expect(Math.min(...times)).toBeLessThan(5_000);
});

it('neither shows nor follows links, whatever is asked of them', async () => {
  await writeFile(join(outside, 'secret'), 'secret');
  await mkdir(join(outside, 'private'));
  await mkdir(join(folder, 'links'));
  await symlink(join(outside, 'secret'), join(folder, 'links', 'file'));
  await symlink(join(outside, 'private'), join(folder, 'links', 'folder'));
  await writeFile(join(folder, 'plain'), 'plain');
  expect((await propfind('links')).match(/<D:response>/g)).toHaveLength(1);
  const destination = '/dav/links/folder/stolen';
  const asked: [string, string, Record<string, string>][] = [
    ['GET', 'links/file', {}],
    ['GET', 'links/folder/', {}],
    ['PUT', 'links/folder/new', {}],
    ['MKCOL', 'links/folder/new', {}],
    ['LOCK', 'links/folder/new', {}],
    ['COPY', 'plain', { destination }],
    ['MOVE', 'plain', { destination }],
    ['COPY', 'links/file', { destination: '/dav/copied' }],
    ['DELETE', 'links/folder', {}],
  ];
  const lock = '<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>';
  for (const [method, path, headers] of asked) {
    const body = method === 'LOCK' ? lock : '';
    const { status } = await ask(server.url + path, { method, headers, body });
    expect([method, path, status]).toEqual([method, path, expect.toBeOneOf([403, 404, 409])]);
  }
  expect(await readdir(join(outside, 'private'))).toEqual([]);
  expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  expect(await readFile(join(folder, 'plain'), 'utf8')).toBe('plain');
});

/** Sends the first bytes of a body that is never finished. */
async function breakOff(path: string, bytes: Buffer): Promise<void> {
  const request = httpRequest(server.url + path, { method: 'PUT', headers: { 'content-length': 2 * bytes.length } });
  const failed = once(request, 'error');
  await new Promise((resolve) => request.write(bytes, resolve));
  request.destroy(new Error('broken off'));
  await failed;
}

it('leaves nothing of an upload that breaks off', async () => {
  await mkdir(join(folder, 'uploads'));
  await writeFile(join(folder, 'uploads', 'kept.bin'), 'kept');
  await breakOff('uploads/kept.bin', randomBytes(3_000_000));
  await breakOff('uploads/new.bin', randomBytes(3_000_000));
  await expect.poll(() => readdir(join(folder, 'uploads')), { timeout: 10_000 }).toEqual(['kept.bin']);
  expect(await readFile(join(folder, 'uploads', 'kept.bin'), 'utf8')).toBe('kept');
});

it('gives a name that many write at once the whole of one of them', async () => {
  await mkdir(join(folder, 'at once'));
  const bodies = Array.from({ length: 6 }, () => randomBytes(2_000_000).toString('hex'));
  const url = `${server.url}at%20once/one.hex`;
  const answers = await Promise.all(bodies.map((body) => ask(url, { method: 'PUT', body })));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  expect(statuses.every((status) => status === 201 || status === 204)).toBe(true);
  const hashes = bodies.map((body) => createHash('sha256').update(body).digest('hex'));
  const written = await readFile(join(folder, 'at once', 'one.hex'));
  expect(hashes).toContain(createHash('sha256').update(written).digest('hex'));
  expect(await readdir(join(folder, 'at once'))).toEqual(['one.hex']);
});

it('moves a name to one that differs in case alone', async () => {
  await writeFile(join(folder, 'readme.txt'), 'read me');
  const headers = { destination: '/dav/README.txt' };
  const { status } = await ask(`${server.url}readme.txt`, { method: 'MOVE', headers });
  expect([status, await readFile(join(folder, 'README.txt'), 'utf8')]).toEqual([201, 'read me']);
});

const setTime = (text: string): Promise<{ status: number }> =>
  ask(`${server.url}copied.txt`, {
    method: 'PROPPATCH',
    body: `<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>
      <Z:Win32LastModifiedTime>${text}</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>`,
  });

it('gives a file the time that Explorer says it has', async () => {
  await writeFile(join(folder, 'copied.txt'), 'content');
  expect((await setTime('Tue, 14 Nov 2023 22:13:20 GMT')).status).toBe(207);
  expect((await stat(join(folder, 'copied.txt'))).mtimeMs).toBe(1_700_000_000_000);
  expect((await setTime('yesterday')).status).toBe(207);
  expect((await stat(join(folder, 'copied.txt'))).mtimeMs).toBe(1_700_000_000_000);
});

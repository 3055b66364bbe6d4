/** What a door asks its tree for: with a neighbour's, each question is a way there and back. */
import { Readable } from 'node:stream';
import { afterAll, beforeEach, expect, it, type MockInstance, vi } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { type Answer, ask as askUrl, never } from './files-support.ts';
import { MemoryTree } from './memory-tree.ts';
import { serveDav } from './webdav-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let tree: MemoryTree;
let url: string;
let stat: MockInstance<MemoryTree['stat']>;

beforeEach(async () => {
  tree = new MemoryTree();
  ({ url } = await serveDav(scope, { tree, writable: tree }));
  await tree.write(wirePathFromPlain('a.txt'), { body: Readable.from([Buffer.from('alpha')]), signal: never });
  await tree.mkdir(wirePathFromPlain('docs'));
  stat = vi.spyOn(tree, 'stat');
});

const get = (path: string, range?: string): Promise<Answer> =>
  askUrl(url + path, { headers: range === undefined ? {} : { range } });

const put = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  askUrl(url + path, { method: 'PUT', body: 'new', headers });

it.each([
  [undefined, 200, 'alpha'],
  ['bytes=1-2', 206, 'lp'],
  ['bytes=3-', 206, 'ha'],
])('a GET with Range %s is one question', async (range, status, text) => {
  const answer = await get('a.txt', range);
  expect([answer.status, answer.body.toString(), stat.mock.calls]).toEqual([status, text, []]);
});

it('a GET whose range only the size can tell takes another', async () => {
  const beyond = await get('a.txt', 'bytes=5-');
  expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */5']);
  const end = await get('a.txt', 'bytes=-2');
  expect([end.status, end.headers['content-range'], end.body.toString()]).toEqual([206, 'bytes 3-4/5', 'ha']);
});

it('a GET of a folder is its page, and of nothing finds nothing', async () => {
  expect((await get('docs')).headers['content-type']).toContain('text/html');
  expect((await get('none')).status).toBe(404);
});

it('a PUT is one question, but where a condition or a lock is about what is there', async () => {
  expect([(await put('a.txt')).status, (await put('b.txt')).status, (await put('docs')).status]).toEqual([
    204, 201, 405,
  ]);
  expect(stat).not.toHaveBeenCalled();
  expect((await put('b.txt', { 'if-none-match': '*' })).status).toBe(412);
  expect(stat).toHaveBeenCalledTimes(1);
  const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
  expect((await askUrl(`${url}docs`, { method: 'LOCK', body })).status).toBe(200);
  expect((await put('docs/c.txt')).status).toBe(423);
});

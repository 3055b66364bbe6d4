/** What a client sees of WebDAV, over HTTP and a tree in memory; litmus has the ordinary rest. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { FileTree } from '../../agent/files/file-tree.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { type Answer, ask as askUrl, never } from './files-support.ts';
import { MemoryTree } from './memory-tree.ts';
import { type DavServer, serveDav } from './webdav-support.ts';

const outer = new Scope();
afterAll(() => outer[Symbol.asyncDispose]());

let tree: MemoryTree;
let server: DavServer;

beforeEach(async () => {
  tree = new MemoryTree();
  server = await serveDav(outer, { tree, writable: tree });
  await write('a.txt', 'alpha');
  await tree.mkdir(wirePathFromPlain('docs'));
  await write('docs/ä & b.txt', 'beta');
});

function write(path: string, text: string) {
  const body = Readable.from([Buffer.from(text)]);
  return tree.write(wirePathFromPlain(path), { body, modified: 1_700_000_000_123, signal: never });
}

async function textAt(path: string): Promise<string> {
  const { stream } = await tree.read(wirePathFromPlain(path), { signal: never });
  return Buffer.concat(await stream.toArray()).toString();
}

interface Ask {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

function ask(method: string, path: string, options: Ask = {}): Promise<Answer> {
  return askUrl(server.url + path, { method, ...options });
}

async function statusOf(method: string, path: string, options: Ask = {}): Promise<number> {
  return (await ask(method, path, options)).status;
}

const propfind = (path: string, depth: string, body = ''): Promise<Answer> =>
  ask('PROPFIND', path, { headers: { depth }, body });

/** The names asked for, each in its namespace. */
const prop = (names: string): string => `<propfind xmlns="DAV:" xmlns:z="urn:z"><prop>${names}</prop></propfind>`;

const lockBody = (scope = 'exclusive'): string =>
  `<lockinfo xmlns="DAV:"><lockscope><${scope}/></lockscope><locktype><write/></locktype>` +
  '<owner><href>mailto:anna</href></owner></lockinfo>';

async function lock(path: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await ask('LOCK', path, { body: lockBody(), headers });
  expect(answer.status).toBeLessThan(300);
  return String(answer.headers['lock-token']);
}

describe('OPTIONS', () => {
  it('says what is possible, also of what is not there', async () => {
    const { status, headers } = await ask('OPTIONS', 'nothing');
    expect([status, headers['dav'], headers['ms-author-via']]).toEqual([200, '1, 2', 'DAV']);
    expect(String(headers.allow).split(', ')).toEqual(
      expect.arrayContaining(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'PROPPATCH', 'PUT', 'LOCK', 'UNLOCK', 'MOVE']),
    );
  });

  it('is what an unknown method is told', async () => {
    const { status, headers } = await ask('POST', 'a.txt');
    expect([status, headers.allow]).toEqual([405, expect.stringContaining('PROPFIND')]);
  });
});

describe('a door where nothing can be changed', () => {
  beforeEach(async () => {
    server = await serveDav(outer, { tree });
  });

  it('is of class 1 and lists what can be read', async () => {
    const { headers } = await ask('OPTIONS', '');
    expect([headers['dav'], headers.allow]).toEqual(['1', 'OPTIONS, GET, HEAD, PROPFIND']);
    const { body } = await propfind('a.txt', '0', '<propfind xmlns="DAV:"><propname/></propfind>');
    expect(body.toString()).not.toContain('supportedlock');
  });

  it.each(['PUT', 'DELETE', 'MKCOL', 'COPY', 'MOVE', 'PROPPATCH', 'LOCK', 'UNLOCK'])('refuses %s', async (method) => {
    const headers = { destination: '/dav/b.txt' };
    expect(await statusOf(method, 'a.txt', { headers, body: method === 'PUT' ? 'new' : '' })).toBe(403);
    expect(await textAt('a.txt')).toBe('alpha');
  });
});

describe('PROPFIND', () => {
  it('tells of a folder and what it holds, with hrefs that lead there', async () => {
    const { status, headers, body } = await propfind('docs', '1');
    expect([status, headers['content-type']]).toEqual([207, 'application/xml; charset=utf-8']);
    const text = body.toString();
    expect(text.match(/<D:href>[^<]*/g)).toEqual(['<D:href>/dav/docs/', '<D:href>/dav/docs/%C3%A4%20%26%20b.txt']);
    expect(text).toContain('<D:displayname>ä &amp; b.txt</D:displayname>');
    expect(text).toContain('<D:getcontentlength>4</D:getcontentlength>');
    expect(text).toContain('<D:getlastmodified>Tue, 14 Nov 2023 22:13:20 GMT</D:getlastmodified>');
    expect(text.match(/<D:resourcetype><D:collection\/>/g)).toHaveLength(1);
  });

  it('tells of one resource with Depth 0, and names the root by its title', async () => {
    const { body } = await propfind('', '0');
    expect(body.toString().match(/<D:response>/g)).toHaveLength(1);
    expect(body.toString()).toContain('<D:displayname>Drive</D:displayname>');
  });

  it('answers for each name that is asked for, once', async () => {
    const { body } = await propfind('a.txt', '0', prop('<getcontentlength/><z:colour/><getetag/><getcontentlength/>'));
    const [there, missing] = body.toString().split('404 Not Found')[0]?.split('200 OK') ?? [];
    expect(there?.match(/getcontentlength>5/g)).toHaveLength(1);
    expect(missing).toContain('<colour xmlns="urn:z"/><D:getetag/>');
  });

  it('gives names alone when asked so, and more than all with include', async () => {
    const names = (await propfind('a.txt', '0', '<propfind xmlns="DAV:"><propname/></propfind>')).body.toString();
    expect(names).toContain('<D:getcontentlength/>');
    const query = '<propfind xmlns="DAV:" xmlns:z="urn:z"><allprop/><include><z:colour/></include></propfind>';
    expect((await propfind('a.txt', '0', query)).body.toString()).toContain('getcontentlength>5<');
  });

  it.each(['infinity', 'Infinity', undefined])('is refused with Depth %s', async (depth) => {
    const { status, body } = await ask('PROPFIND', 'docs', { headers: depth === undefined ? {} : { depth } });
    expect([status, body.toString()]).toEqual([403, expect.stringContaining('<D:propfind-finite-depth/>')]);
  });

  it.each([
    ['another Depth', { headers: { depth: '2' } }, 400],
    ['no XML', { headers: { depth: '0' }, body: 'hello' }, 400],
    ['another element', { headers: { depth: '0' }, body: '<a xmlns="DAV:"/>' }, 400],
    ['nothing asked for', { headers: { depth: '0' }, body: '<propfind xmlns="DAV:"/>' }, 400],
    ['too many names', { headers: { depth: '0' }, body: prop(manyNames(300)) }, 413],
    ['a body without end', { headers: { depth: '0' }, body: prop(' '.repeat(300_000)) }, 413],
  ])('is refused with %s', async (_what, options, status) => {
    expect(await statusOf('PROPFIND', 'a.txt', options)).toBe(status);
  });

  it('gives every page of a large folder', async () => {
    for (let n = 0; n < 1203; n++) await write(`docs/${n}`, '');
    const { body } = await propfind('docs/', '1', prop('<resourcetype/>'));
    expect(body.toString().match(/<D:response>/g)).toHaveLength(1205);
  });

  it('breaks off, rather than look whole, where a later page fails', async () => {
    const broken: FileTree = Object.assign(Object.create(tree) as FileTree, {
      stat: tree.stat.bind(tree),
      list: (path: never, cursor: string | undefined) =>
        cursor === undefined ? tree.list(path, cursor) : Promise.reject(new NethoodError('interrupted', 'They left.')),
    });
    for (let n = 0; n < 501; n++) await write(`${n}`, '');
    server = await serveDav(outer, { tree: broken });
    await expect(propfind('', '1')).rejects.toThrow();
    expect(server.thrown).toHaveLength(1);
  });
});

function manyNames(count: number): string {
  return Array.from({ length: count }, (_, n) => `<z:n${n}/>`).join('');
}

function patch(path: string, content: string): Promise<Answer> {
  return ask('PROPPATCH', path, { body: `<propertyupdate xmlns="DAV:" xmlns:z="urn:z">${content}</propertyupdate>` });
}

async function colourAt(path: string): Promise<string> {
  return (await propfind(path, '0', prop('<z:colour/><displayname/>'))).body.toString();
}

describe('PROPPATCH', () => {
  it('keeps properties, through moves and copies, until they are removed', async () => {
    const { status } = await patch(
      'a.txt',
      '<set><prop><z:colour xml:lang="de">rot <z:b>&amp;</z:b></z:colour></prop></set>',
    );
    expect(status).toBe(207);
    await ask('COPY', 'a.txt', { headers: { destination: '/dav/docs/copy.txt' } });
    await ask('MOVE', 'docs', { headers: { destination: '/dav/moved' } });
    expect(await colourAt('moved/copy.txt')).toContain(
      'xml:lang="de" xmlns:z="urn:z">rot <z:b xmlns:z="urn:z">&amp;</z:b>',
    );
    await patch('a.txt', '<remove><prop><z:colour/></prop></remove>');
    expect(await colourAt('a.txt')).not.toContain('rot');
    await ask('DELETE', 'moved/copy.txt');
    await ask('PUT', 'moved/copy.txt', { body: 'another' });
    expect(await colourAt('moved/copy.txt')).not.toContain('rot');
  });

  it('follows all instructions or none', async () => {
    const change = '<set><prop><z:colour>rot</z:colour><getcontentlength>7</getcontentlength></prop></set>';
    const text = (await patch('a.txt', change)).body.toString();
    expect(text).toContain('<colour xmlns="urn:z"/></D:prop><D:status>HTTP/1.1 424');
    expect(text).toContain('<D:getcontentlength/></D:prop><D:status>HTTP/1.1 403');
    expect(text).toContain('cannot-modify-protected-property');
    expect(await colourAt('a.txt')).not.toContain('rot');
  });

  it('lets a display name be set', async () => {
    await patch('a.txt', '<set><prop><displayname>Alpha</displayname></prop></set>');
    expect(await colourAt('a.txt')).toContain('>Alpha<');
  });

  it.each(['', '<set/>', '<propfind/>'])('is refused with "%s"', async (content) => {
    expect((await patch('a.txt', content)).status).toBe(400);
  });

  it('forgets the oldest rather than grow', async () => {
    const long = 'x'.repeat(200_000);
    for (let n = 0; n < 50; n++) {
      await write(`f${n}`, '');
      await patch(`f${n}`, `<set><prop><z:colour>${long}</z:colour></prop></set>`);
    }
    expect(await colourAt('f0')).not.toContain('xxx');
    expect(await colourAt('f49')).toContain('xxx');
  });
});

function getWith(headers: Record<string, string>): Promise<number> {
  return statusOf('GET', 'a.txt', { headers });
}

describe('GET', () => {
  it('gives a file with its version and type, but no power in a browser', async () => {
    const { status, headers, body } = await ask('GET', 'a.txt');
    expect([status, body.toString()]).toEqual([200, 'alpha']);
    expect(headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '5',
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"v\d+"$/) as string,
      'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
      'content-security-policy': expect.stringContaining('sandbox') as string,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
  });

  it('of a HEAD has no body', async () => {
    const { status, headers, body } = await ask('HEAD', 'a.txt');
    expect([status, headers['content-length'], headers.etag, body.length]).toEqual([
      200,
      '5',
      (await ask('GET', 'a.txt')).headers.etag,
      0,
    ]);
    await write('empty', '');
    expect((await ask('HEAD', 'empty')).headers['content-length']).toBe('0');
  });

  it.each([
    ['bytes=1-2', 206, 'lp', 'bytes 1-2/5'],
    ['bytes=-2', 206, 'ha', 'bytes 3-4/5'],
    ['bytes=0-99', 206, 'alpha', 'bytes 0-4/5'],
    ['bytes=5-', 416, '', 'bytes */5'],
    ['bytes=0-1,3-4', 200, 'alpha', undefined],
  ])('with Range: %s gives %i', async (range, status, text, contentRange) => {
    const answer = await ask('GET', 'a.txt', { headers: { range } });
    expect([answer.status, answer.body.toString(), answer.headers['content-range']]).toEqual([
      status,
      text,
      contentRange,
    ]);
  });

  it('looks at conditions', async () => {
    const etag = String((await ask('GET', 'a.txt')).headers.etag);
    expect(await getWith({ 'if-none-match': etag })).toBe(304);
    expect(await getWith({ 'if-match': '"other"' })).toBe(412);
    expect(await getWith({ 'if-match': etag })).toBe(200);
    expect(await getWith({ 'if-modified-since': 'Tue, 14 Nov 2023 22:13:20 GMT' })).toBe(304);
    expect(await getWith({ range: 'bytes=0-1', 'if-range': etag })).toBe(206);
    expect(await getWith({ range: 'bytes=0-1', 'if-range': '"other"' })).toBe(200);
  });

  it('of a folder is a page that shows names as text', async () => {
    await write('docs/<script>alert(1)', '');
    const { status, headers, body } = await ask('GET', 'docs');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body.toString()).toContain('href="/dav/docs/%C3%A4%20%26%20b.txt">ä &amp; b.txt</a>');
    expect(body.toString()).not.toContain('<script');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect((await ask('HEAD', 'docs')).body.length).toBe(0);
  });

  it('finds nothing where nothing is, and no way out', async () => {
    for (const path of ['nothing', 'a.txt/below', 'docs/nothing']) expect(await statusOf('GET', path)).toBe(404);
    expect(await statusOf('GET', 'docs/%2F')).toBe(400);
  });
});

describe('PUT', () => {
  it('makes and replaces files, with the time that came along', async () => {
    const made = await ask('PUT', 'new.txt', { body: 'one', headers: { 'x-oc-mtime': '1600000000.5' } });
    expect([made.status, made.headers['x-oc-mtime']]).toEqual([201, 'accepted']);
    expect(made.headers.etag).toBe((await ask('GET', 'new.txt')).headers.etag);
    expect((await tree.stat(wirePathFromPlain('new.txt'))).modified).toBe(1_600_000_000_500);
    expect(await statusOf('PUT', 'new.txt', { body: 'two' })).toBe(204);
    expect(await textAt('new.txt')).toBe('two');
  });

  it.each([
    ['a folder', 'docs', {}, 405],
    ['the root', '', {}, 405],
    ['no folder around it', 'nowhere/a', {}, 409],
    ['a file around it', 'a.txt/b', {}, 409],
    ['a part', 'a.txt', { 'content-range': 'bytes 0-2/5' }, 400],
    ['another version', 'a.txt', { 'if-match': '"other"' }, 412],
    ['any version', 'a.txt', { 'if-none-match': '*' }, 412],
    ['no version', 'b.txt', { 'if-match': '*' }, 412],
  ])('is refused where there is %s', async (_what, path, headers, status) => {
    expect(await statusOf('PUT', path, { body: 'new', headers })).toBe(status);
    expect(await textAt('a.txt')).toBe('alpha');
  });

  it('of which half arrives leaves what was there', async () => {
    const { host, hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write(`PUT /dav/a.txt HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\nhalf`);
    await once(socket, 'connect');
    setImmediate(() => socket.destroy());
    await once(socket, 'close');
    await expect.poll(() => server.thrown.length).toBe(1);
    expect(await textAt('a.txt')).toBe('alpha');
  });
});

describe('COPY and MOVE', () => {
  it.each([
    ['to a new name', 'a.txt', { destination: '/dav/docs/a.txt' }, 201],
    ['over a file', 'a.txt', { destination: '/dav/docs/%c3%a4%20&%20b.txt' }, 204],
    ['over a folder', 'a.txt', { destination: '/dav/docs/' }, 204],
    ['over what shall stay', 'a.txt', { destination: '/dav/docs', overwrite: 'F' }, 412],
    ['below nothing', 'a.txt', { destination: '/dav/nothing/a.txt' }, 409],
    ['below a file', 'docs', { destination: '/dav/a.txt/docs' }, 409],
    ['onto itself', 'a.txt', { destination: '/dav/%61.txt' }, 403],
    ['into itself', 'docs', { destination: '/dav/docs/deeper' }, 403],
    ['over what holds it', 'docs/%c3%a4%20%26%20b.txt', { destination: '/dav/docs' }, 403],
    ['to another server', 'a.txt', { destination: 'http://elsewhere/dav/b.txt' }, 502],
    ['out of the tree', 'a.txt', { destination: '/dav/../b.txt' }, 400],
    ['nowhere', 'a.txt', {}, 400],
    ['of nothing', 'nothing', { destination: '/dav/b.txt' }, 404],
  ])('%s', async (_what, path, headers, status) => {
    expect(await statusOf('COPY', path, { headers })).toBe(status);
    if (path === 'a.txt') expect(await textAt(path)).toBe('alpha');
    if (status === 204) return;
    if (status === 201) await ask('DELETE', 'docs/a.txt');
    expect(await statusOf('MOVE', path, { headers })).toBe(status);
    expect(await textAt('docs/ä & b.txt')).toBe('beta');
    expect(await statusOf('GET', 'a.txt')).toBe(status === 201 ? 404 : 200);
  });

  it('over a folder puts the file in its place, and all that it held is gone', async () => {
    expect(await statusOf('MOVE', 'a.txt', { headers: { destination: '/dav/docs/' } })).toBe(204);
    expect([await textAt('docs'), await statusOf('GET', 'a.txt')]).toEqual(['alpha', 404]);
  });

  it('asks for the tokens of both places', async () => {
    const token = await lock('docs', { depth: 'infinity' });
    const headers = { destination: '/dav/docs/a.txt' };
    expect(await statusOf('COPY', 'a.txt', { headers })).toBe(423);
    expect(await statusOf('MOVE', 'a.txt', { headers: { ...headers, if: `<${server.url}docs/> (${token})` } })).toBe(
      201,
    );
    expect(await statusOf('MOVE', 'docs/a.txt', { headers: { destination: '/dav/a.txt' } })).toBe(423);
  });
});

describe('LOCK', () => {
  it('tells what it granted, for at most an hour', async () => {
    const headers = { timeout: 'Infinite, Second-4100000000', depth: '0' };
    const { status, body, headers: told } = await ask('LOCK', 'a.txt', { body: lockBody(), headers });
    expect([status, told['lock-token']]).toEqual([200, expect.stringMatching(/^<urn:uuid:[0-9a-f-]{36}>$/)]);
    const text = body.toString();
    expect(text).toContain('<D:timeout>Second-3600</D:timeout>');
    expect(text).toContain('mailto:anna');
    expect(text).toContain('<D:lockroot><D:href>/dav/a.txt</D:href></D:lockroot>');
  });

  it('keeps others from what it holds, and what comes into a locked folder', async () => {
    const token = await lock('docs', { depth: '0' });
    expect(await statusOf('PUT', 'docs/new.txt', { body: '' })).toBe(423);
    expect(await statusOf('PUT', 'docs/%C3%A4%20%26%20b.txt', { body: '' })).toBe(204);
    expect(await statusOf('DELETE', 'docs/%C3%A4%20%26%20b.txt')).toBe(423);
    expect(await statusOf('MKCOL', 'docs/new', { headers: { if: `<${server.url}docs/> (${token})` } })).toBe(201);
    expect(await statusOf('LOCK', 'docs/locked.txt', { body: lockBody() })).toBe(423);
    expect(await statusOf('DELETE', 'docs')).toBe(423);
    const { body } = await ask('DELETE', 'docs');
    expect(body.toString()).toContain('<D:lock-token-submitted><D:href>/dav/docs/</D:href>');
    expect(await statusOf('DELETE', 'docs', { headers: { if: `(${token})` } })).toBe(204);
    expect(await statusOf('MKCOL', 'docs')).toBe(201);
  });

  it('of a name that nothing has makes an empty file', async () => {
    expect((await ask('LOCK', 'new.txt', { body: lockBody() })).status).toBe(201);
    expect(await textAt('new.txt')).toBe('');
    expect(await statusOf('LOCK', 'nowhere/new.txt', { body: lockBody() })).toBe(409);
    expect(await statusOf('PUT', 'nowhere/new.txt', { body: '' })).toBe(409);
  });

  it.each([
    ['neither exclusive nor shared', { body: lockBody('odd') }, 400],
    ['another element', { body: '<propfind xmlns="DAV:"/>' }, 400],
    ['Depth 1', { body: lockBody(), headers: { depth: '1' } }, 400],
    ['nothing to refresh', {}, 400],
    ['a foreign token', { headers: { if: '(<urn:uuid:0>)' } }, 412],
  ])('is refused with %s', async (_what, options, status) => {
    expect(await statusOf('LOCK', 'a.txt', options)).toBe(status);
  });

  it('ends by its token alone', async () => {
    const token = await lock('a.txt');
    expect(await statusOf('UNLOCK', 'a.txt')).toBe(400);
    expect(await statusOf('UNLOCK', 'a.txt', { headers: { 'lock-token': '<urn:uuid:0>' } })).toBe(409);
    expect(await statusOf('UNLOCK', 'docs', { headers: { 'lock-token': token } })).toBe(409);
    expect(await statusOf('UNLOCK', 'a.txt', { headers: { 'lock-token': token } })).toBe(204);
    expect(await statusOf('PUT', 'a.txt', { body: '' })).toBe(204);
  });
});

function putIf(condition: string): Promise<number> {
  return statusOf('PUT', 'b.txt', { body: '', headers: { if: condition } });
}

describe('If', () => {
  it('may be about another resource, and never holds for one of another place', async () => {
    const etag = String((await ask('GET', 'a.txt')).headers.etag);
    expect(await putIf(`</dav/a.txt> ([${etag}])`)).toBe(201);
    expect(await putIf(`</dav/a.txt> (["other"])`)).toBe(412);
    expect(await putIf(`<http://elsewhere/dav/a.txt> ([${etag}])`)).toBe(412);
    expect(await putIf(`<http://elsewhere/dav/a.txt> (Not [${etag}])`)).toBe(204);
    expect(await putIf('nonsense')).toBe(400);
  });
});

describe('what a tree says', () => {
  let failing: DavServer;
  let error: NethoodError;

  beforeAll(async () => {
    const broken = Object.assign(new MemoryTree(), { stat: () => Promise.reject(error) });
    failing = await serveDav(outer, { tree: broken, writable: broken });
  });

  it.each([
    ['not-permitted', 403],
    ['unavailable', 503],
    ['unreachable', 502],
    ['timeout', 504],
    ['no-space', 507],
  ] as const)('%s is answered %i', async (code, status) => {
    error = new NethoodError(code, 'The disk of Anna is full.', { retryAfterMs: 1500 });
    const answer = await askUrl(`${failing.url}a.txt`, { method: 'GET' });
    expect([answer.status, answer.headers['retry-after'], answer.body.toString()]).toEqual([
      status,
      '2',
      'The disk of Anna is full.\n',
    ]);
  });

  it('a fault of our own is for the door, not for the client', async () => {
    error = new NethoodError('internal', 'secret');
    await expect(askUrl(`${failing.url}a.txt`, { method: 'GET' })).rejects.toThrow();
    expect(failing.thrown).toEqual([error]);
  });
});

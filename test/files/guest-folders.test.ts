import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { createGuestFolders, folderAnnouncements } from '../../agent/files/guest-folders.ts';
import type { LocalShares } from '../../agent/files/shares.ts';
import type { DavDoor, DavHandler } from '../../agent/files/webdav-door.ts';
import { createDavHandler } from '../../agent/files/webdav.ts';
import { bodyLimits } from '../../agent/peers/body-watch.ts';
import { HttpDoor } from '../../agent/peers/http-door.ts';
import type { ShareView } from '../../protocol/control.ts';
import { ShareId, ShareName } from '../../protocol/ids.ts';
import { ask, type MemoryConfig, openShares, temporaryFolder } from './files-support.ts';

let scope: Scope;
let shares: LocalShares & { config: MemoryConfig };
let open: ShareView;
let folder: string;

beforeEach(async () => {
  scope = new Scope();
  folder = await temporaryFolder(scope);
  await writeFile(join(folder, 'a b.txt'), 'for all');
  shares = await openShares(scope);
  open = await shares.add({ folder, name: 'Für alle', audience: 'everyone', rights: 'write' });
  await shares.add({ folder, name: 'Team', audience: 'colleagues', rights: 'read' });
});
afterEach(() => scope[Symbol.asyncDispose]());

async function door(options: { onLink?: boolean; createHandler?: (door: DavDoor) => DavHandler } = {}) {
  const { onLink = true, createHandler = createDavHandler } = options;
  const route = createGuestFolders({ shares, deviceName: () => 'Anna', createHandler, clock: systemClock });
  const own = { hostName: () => 'nh-aaaaaaaa.local', addresses: () => [] };
  const http = new HttpDoor({ routes: [route], own, clock: systemClock, log: silentLog, bodyLimits });
  scope.use(http);
  const server = createServer((request, response) => {
    void http.handle({ asker: { kind: 'guest', onLink }, address: '10.0.0.7' }, request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => server.closeAllConnections());
  scope.defer(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const propfind = { method: 'PROPFIND', headers: { depth: '1' } };
const hrefs = (body: Buffer): string[] =>
  Array.from(body.toString().matchAll(/href>([^<]+)</g), ([, href = '']) => href);

describe('a guest', () => {
  it('sees the folders for everyone, and in them what there is, by name and by id', async () => {
    const base = await door();
    expect(hrefs((await ask(`${base}/dav/`, propfind)).body)).toEqual(['/dav/', '/dav/F%C3%BCr%20alle/']);
    for (const name of ['F%C3%BCr%20alle', open.id]) {
      expect(hrefs((await ask(`${base}/dav/${name}/`, propfind)).body)).toEqual([
        `/dav/${name}/`,
        `/dav/${name}/a%20b.txt`,
      ]);
      expect((await ask(`${base}/dav/${name}/a%20b.txt`)).body.toString()).toBe('for all');
    }
  });

  it('finds nothing that is for others, nor anything while sharing is paused, nor from another network', async () => {
    const base = await door();
    expect((await ask(`${base}/dav/Team/a%20b.txt`)).status).toBe(404);
    expect((await ask(`${await door({ onLink: false })}/dav/${open.id}/a%20b.txt`)).status).toBe(404);
    await shares.config.update((config) => ({ ...config, paused: true }));
    expect((await ask(`${base}/dav/${open.id}/a%20b.txt`)).status).toBe(404);
    expect(hrefs((await ask(`${base}/dav/`, propfind)).body)).toEqual(['/dav/']);
  });

  it.each(['PUT', 'DELETE', 'MKCOL', 'MOVE', 'COPY', 'LOCK', 'PROPPATCH'])(
    'changes nothing by %s, also where agents may',
    async (method) => {
      const base = await door();
      const url = `${base}/dav/${open.id}/a%20b.txt`;
      const headers = { destination: `${base}/dav/${open.id}/c.txt` };
      expect((await ask(url, { method, headers, body: '' })).status).toBe(403);
      expect((await ask(url)).body.toString()).toBe('for all');
      expect((await ask(`${base}/dav/${open.id}/c.txt`)).status).toBe(404);
    },
  );

  it('is told to run nothing of what is in a folder', async () => {
    await writeFile(join(folder, 'page.html'), '<script>alert(1)</script>');
    const { headers } = await ask(`${await door()}/dav/${open.id}/page.html`);
    expect(headers['content-security-policy']).toMatch(/sandbox/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('that asks for much at once is told to come again; when it has its answers, it may', async () => {
    const waiting: (() => void)[] = [];
    const createHandler = (): DavHandler => async (exchange) => {
      await new Promise<void>((resolve) => void waiting.push(resolve));
      exchange.response.end('late');
    };
    const base = await door({ createHandler });
    const slow = Array.from({ length: 8 }, () => ask(`${base}/dav/`));
    await expect.poll(() => waiting.length).toBe(8);
    const { status, headers } = await ask(`${base}/dav/`);
    expect([status, headers['retry-after']]).toEqual([429, '1']);
    for (const go of waiting.splice(0)) go();
    await Promise.all(slow);
    const again = ask(`${base}/dav/`);
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.();
    expect((await again).status).toBe(200);
  });
});

const named = (name: string, change: Partial<ShareView> = {}): ShareView => ({
  ...open,
  name: ShareName.parse(name),
  ...change,
});

/** A guest in the middle of a file that no buffer between could hold. */
async function midway(name: string): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  await writeFile(join(folder, 'big'), Buffer.alloc(64 << 20));
  const response = await fetch(`${await door()}/dav/${name}/big`);
  const reader = (response.body ?? new ReadableStream()).getReader() as ReadableStreamDefaultReader<Uint8Array>;
  await reader.read();
  return reader;
}

async function rest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<number> {
  for (let bytes = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return bytes;
    bytes += value.length;
  }
}

describe('a folder that is no longer for everyone', () => {
  it.each(['F%C3%BCr%20alle', 'f%C3%BCR%20ALLE'])('is taken from %s, who is in the middle of a file', async (name) => {
    const reader = await midway(name);
    await shares.remove('Für alle');
    await expect(rest(reader)).rejects.toThrow();
  });

  it('leaves others alone', async () => {
    const reader = await midway('F%C3%BCr%20alle');
    await shares.remove('Team');
    expect(await rest(reader)).toBeGreaterThan(60 << 20);
  });
});

describe('what is announced', () => {
  const facts = { deviceName: 'Anna on PC 3', guestsPort: 6632 };
  it('is each folder for everyone that is there, with its path', () => {
    const list = [
      named('Docs', { id: ShareId.parse('d'.repeat(26)) }),
      named('Team', { audience: 'colleagues' }),
      named('Gone', { state: 'unavailable' }),
    ];
    expect(folderAnnouncements(list, facts)).toEqual([
      {
        name: 'Docs (Anna on PC 3)',
        type: 'webdavs',
        subtypes: [],
        port: 6632,
        txt: { path: `/dav/${'d'.repeat(26)}/` },
      },
    ]);
  });

  it('has names of at most 63 bytes, each its own', () => {
    const list = ['é'.repeat(30), `${'é'.repeat(30)}!`, `${'é'.repeat(30)}?`].map((name) => named(name));
    const labels = folderAnnouncements(list, { ...facts, deviceName: 'ü'.repeat(31) }).map(({ name }) => name);
    expect(new Set(labels).size).toBe(3);
    for (const label of labels) expect(Buffer.byteLength(label)).toBeLessThanOrEqual(63);
    expect(labels[1]).toContain(' 2 (');
  });
});

import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { claimPortBlock, type PortBlock } from '../../agent/peers/port-block.ts';

let scope: Scope;
let stateFolder: string;
let firstBase: number;

beforeEach(async () => {
  scope = new Scope();
  stateFolder = await mkdtemp(join(tmpdir(), 'ports-'));
  scope.defer(() => rm(stateFolder, { recursive: true }));
  firstBase = await freeBase();
});
afterEach(() => scope[Symbol.asyncDispose]());

/** A base below the system's own range, with three blocks free after it: what a block is claimed from in these tests. */
async function freeBase(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const base = 10_000 + Math.floor(Math.random() * 2000) * 10;
    const probe = new Scope();
    try {
      for (let port = base; port < base + 30; port += port % 10 === 2 ? 8 : 1) await occupy(port, '::', probe);
      return base;
    } catch {
      // Taken by another program: the next one.
    } finally {
      await probe[Symbol.asyncDispose]();
    }
  }
  throw new Error('This PC has no free ports.');
}

async function occupy(port: number, host: string, owner = scope): Promise<void> {
  const server = createServer().listen(port, host);
  owner.defer(async () => {
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  });
  await once(server, 'listening');
}

async function claim(folder = stateFolder): Promise<PortBlock> {
  return scope.use(await claimPortBlock({ stateFolder: folder, log: silentLog, firstBase }));
}

async function remembered(): Promise<unknown> {
  return JSON.parse(await readFile(join(stateFolder, 'ports.json'), 'utf8'));
}

describe('a first start', () => {
  test('takes the default block, listens on loopback and on all addresses, and remembers it', async () => {
    const block = await claim();
    expect(block).toMatchObject({
      base: firstBase,
      moved: false,
      ports: { loopback: firstBase, peers: firstBase + 1, guests: firstBase + 2 },
    });
    const addresses = [...block.loopback, block.peers].map((server) => server.address() as AddressInfo);
    expect(addresses[0]).toMatchObject({ address: '127.0.0.1', port: firstBase });
    expect(addresses.at(-1)).toMatchObject({ port: firstBase + 1 });
    expect(['::', '0.0.0.0']).toContain(addresses.at(-1)?.address);
    expect(await remembered()).toEqual({ base: firstBase });
  });

  test.each([0, 1, 2])('takes the next block where port %i of the first is taken, and says so', async (offset) => {
    await occupy(firstBase + offset, offset === 0 ? '127.0.0.1' : '0.0.0.0');
    const block = await claim();
    expect(block).toMatchObject({ base: firstBase + 10, moved: true });
    expect(await remembered()).toEqual({ base: firstBase + 10 });
  });

  test('of several agents at once gives each its own block', async () => {
    const folders = ['a', 'b', 'c'].map((name) => join(stateFolder, name));
    const blocks = await Promise.all(folders.map(claim));
    expect(new Set(blocks.map(({ base }) => base)).size).toBe(3);
  });
});

describe('a later start', () => {
  test('takes the remembered block again', async () => {
    await writeFile(join(stateFolder, 'ports.json'), JSON.stringify({ base: firstBase + 10 }));
    expect(await claim()).toMatchObject({ base: firstBase + 10, moved: false });
  });

  test('moves where it is taken, says so, and still remembers its own', async () => {
    await writeFile(join(stateFolder, 'ports.json'), JSON.stringify({ base: firstBase + 10 }));
    await occupy(firstBase + 11, '0.0.0.0');
    expect(await claim()).toMatchObject({ base: firstBase, moved: true });
    expect(await remembered()).toEqual({ base: firstBase + 10 });
  });

  test.each(['', '{"base":', '{"base":70000}', '{"base":"6630"}'])(
    'chooses anew where the file holds %s',
    async (text) => {
      await writeFile(join(stateFolder, 'ports.json'), text);
      expect(await claim()).toMatchObject({ base: firstBase, moved: false });
      expect(await remembered()).toEqual({ base: firstBase });
    },
  );
});

describe('a claimed block', () => {
  test('closes connections while nobody serves them, and serves them once somebody does', async () => {
    const { peers, ports } = await claim();
    const refused = connect(ports.peers, '127.0.0.1');
    refused.on('error', () => undefined).resume();
    await once(refused, 'close');
    peers.on('connection', (socket) => void socket.end('served'));
    const served = connect(ports.peers, '127.0.0.1');
    expect(String((await once(served, 'data'))[0])).toBe('served');
    served.destroy();
  });

  test('is free again when disposed, with its connections ended; twice is once', async () => {
    const block = await claim();
    block.peers.on('connection', () => undefined);
    const client = connect(block.ports.peers, '127.0.0.1');
    client.on('error', () => undefined).resume();
    await Promise.all([once(client, 'connect'), once(block.peers, 'connection')]);
    await block[Symbol.asyncDispose]();
    await block[Symbol.asyncDispose]();
    if (!client.closed) await once(client, 'close');
    expect(await claim()).toMatchObject({ base: firstBase, moved: false });
  });

  test('cannot be had where all candidates are beyond the last port', async () => {
    firstBase = 65_534;
    await expect(claim()).rejects.toMatchObject({ code: 'no-port' });
  });
});

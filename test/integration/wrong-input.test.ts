// needs: namespaces
/** What users get wrong, and what the world does to them: one clear sentence, a code, and nothing is lost. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { EntryView, NeighbourView, Snapshot } from '../../protocol/control.ts';
import { TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { writeRandomFile } from '../office/documents.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
let office: Office;
let folder: string;
let anna: TestAgent;
let bob: TestAgent;

const ErrorDocument = z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) });

async function failure(
  agent: TestAgent,
  ...args: string[]
): Promise<{ exit: number | null; code: string; message: string }> {
  const { code: exit, stdout } = await agent.nethood(...args, '--json');
  return { exit, ...ErrorDocument.parse(JSON.parse(stdout)).error };
}

async function agentOn(host: number, name: string): Promise<TestAgent> {
  return scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(host) }, name }));
}

const ready = (agent: TestAgent, name: string): Promise<boolean> =>
  until(
    async () =>
      (await agent.json(z.array(NeighbourView), 'neighbours')).some((n) => n.name === name && n.state === 'ready'),
    {
      what: () => `${name} to be ready: ${agent.output}`,
      withinMs: 15_000,
    },
  );

beforeAll(async () => {
  office = scope.use(await startOffice(4));
  folder = await mkdtemp(join(tmpdir(), 'nh-share-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'plain.txt'), 'plain');
  anna = await agentOn(1, 'Anna');
  bob = await agentOn(2, 'Bob');
  await Promise.all([anna.start(), bob.start()]);
  await anna.json(z.unknown(), 'share', folder, '--name', 'Projects');
  await ready(bob, 'Anna');
});
afterAll(() => scope[Symbol.asyncDispose]());

describe('a wrong name', () => {
  it('of a neighbour is not-found, exit 4, and names it', async () => {
    const error = await failure(bob, 'ls', 'zoe');
    expect(error).toMatchObject({ exit: 4, code: 'not-found' });
    expect(error.message).toContain('zoe');
  });

  it('that fits two neighbours is ambiguous and lists both', async () => {
    const twins = [await agentOn(3, 'Dora A'), await agentOn(4, 'Dora B')];
    await Promise.all(twins.map((twin) => twin.start()));
    await Promise.all([ready(bob, 'Dora A'), ready(bob, 'Dora B')]);
    const error = await failure(bob, 'ls', 'dora');
    expect(error).toMatchObject({ exit: 2, code: 'ambiguous' });
    expect(error.message).toContain('Dora A');
    expect(error.message).toContain('Dora B');
    await Promise.all(twins.map((twin) => twin.end()));
  });

  it('of a share or a file is not-found and names it', async () => {
    expect(await failure(bob, 'ls', 'Anna/Nothing')).toMatchObject({ exit: 4, code: 'not-found' });
    const error = await failure(bob, 'get', 'Anna/Projects/missing.txt', bob.files);
    expect(error).toMatchObject({ exit: 4, code: 'not-found' });
    expect(error.message).toContain('missing.txt');
  });

  it('of a folder to share is not-found, of a file not-a-folder', async () => {
    expect(await failure(anna, 'share', join(folder, 'no such folder'))).toMatchObject({ exit: 4, code: 'not-found' });
    expect(await failure(anna, 'share', join(folder, 'plain.txt'))).toMatchObject({ exit: 4, code: 'not-a-folder' });
  });

  it('of a command is usage, exit 2, and suggests the right one', async () => {
    const { code, stderr } = await bob.nethood('nieghbours');
    expect(code).toBe(2);
    expect(stderr).toContain('neighbours');
  });
});

describe('an agent', () => {
  it('that does not run is no-agent, exit 3', async () => {
    await using idle = await TestAgent.prepare();
    expect(await failure(idle, 'status')).toMatchObject({ exit: 3, code: 'no-agent' });
  });

  it('is refused in a home that has one already, and the first goes on', async () => {
    const began = performance.now();
    const second = await bob.nethood('run', '--no-tray', '--json');
    expect(performance.now() - began).toBeLessThan(count(15_000, 2_000));
    expect(second.code).toBe(1);
    expect(second.stdout + second.stderr).toContain('already-running');
    expect((await bob.nethood('status', '--json')).code).toBe(0);
  });

  it('takes the next block where its ports are taken, says so, and is found there', async () => {
    const blocker = await office.spawn(3, process.execPath, [
      '-e',
      `const s = require('node:net').createServer(); s.listen(6631, '::', () => console.log('taken'))`,
    ]);
    scope.use(blocker);
    await blocker.waitFor(/taken/);
    const moved = await agentOn(3, 'Moved');
    await moved.start();
    const { ports } = await moved.json(Snapshot.pick({ ports: true }).loose(), 'status');
    expect(ports).toMatchObject({ loopback: 6640, peers: 6641 });
    expect(moved.output).toContain('6640');
    await ready(bob, 'Moved');
    const seen = (await bob.json(z.array(NeighbourView), 'neighbours')).find(({ name }) => name === 'Moved');
    expect(seen?.port).toBe(6641);
    await moved.end();
  });
});

/** A disk of so many MiB on Bob's PC; `seen` is the same folder for this process. */
async function withDisk(megabytes: number, use: (disk: string, seen: string) => Promise<void>): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), 'nh-disk-'));
  await office.run(2, 'mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk]);
  try {
    await use(disk, `/proc/${bob.pid}/root${disk}`);
  } finally {
    await office.run(2, 'umount', [disk]);
    await rm(disk, { recursive: true });
  }
}

describe('a full disk at the receiver', () => {
  beforeAll(() => writeRandomFile(join(folder, 'large.bin'), 640 << 20));

  it('is no-space, exit 7, before the first byte where the file cannot fit', async () => {
    await withDisk(64, async (disk, seen) => {
      expect(await failure(bob, 'get', 'Anna/Projects/large.bin', disk)).toMatchObject({ exit: 7, code: 'no-space' });
      expect(await readdir(seen)).toEqual([]);
    });
  });

  it('is no-space, exit 7, where another program takes the rest on the way, and leaves nothing behind', async () => {
    await withDisk(700, async (disk, seen) => {
      const fetched = failure(bob, 'get', 'Anna/Projects/large.bin', disk);
      const begun = async (): Promise<boolean> => (await readdir(seen)).length > 0;
      await until(begun, { what: 'the first bytes', withinMs: 10_000, everyMs: 2 });
      await office.run(2, 'fallocate', ['-l', '300M', join(disk, 'other.bin')]);
      expect(await fetched).toMatchObject({ exit: 7, code: 'no-space' });
      expect(await readdir(seen)).toEqual(['other.bin']);
    });
  });

  it('does not keep other files from coming', async () => {
    expect((await bob.nethood('get', 'Anna/Projects/plain.txt', bob.files)).code).toBe(0);
  });
});

const inHex = (list: readonly Buffer[]): string[] => list.map((name) => name.toString('hex')).toSorted();

describe('names of files', () => {
  const names: [string, Buffer][] = [
    ['a newline', Buffer.from('two\nlines')],
    ['an escape code', Buffer.from('\u001b]0;owned\u0007name')],
    ['255 bytes', Buffer.from('x'.repeat(255))],
    ['bytes that are no UTF-8', Buffer.from([0x66, 0xff, 0xfe, 0x6f])],
    ['text that turns around', Buffer.from('abc\u202egnp.exe')],
  ];

  it('of every kind are listed harmlessly and fetched whole', async () => {
    const odd = join(folder, 'odd');
    await mkdir(odd);
    for (const [what, name] of names) await writeFile(Buffer.concat([Buffer.from(`${odd}/`), name]), what);
    const human = await bob.nethood('ls', 'Anna/Projects/odd');
    expect(human.code).toBe(0);
    // oxlint-disable-next-line no-control-regex -- that is what must not be there
    expect(human.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    const entries = await bob.json(z.array(EntryView), 'ls', 'Anna/Projects/odd');
    expect(entries).toHaveLength(names.length);
    await bob.json(z.unknown(), 'get', 'Anna/Projects/odd', join(bob.files, 'odd'));
    const fetched = await readdir(join(bob.files, 'odd'), { encoding: 'buffer' });
    expect(inHex(fetched)).toEqual(inHex(names.map(([, name]) => name)));
    for (const { path } of entries) {
      expect((await bob.nethood('get', `Anna/Projects/${path}`, join(bob.files, 'single'))).code).toBe(0);
      await rm(join(bob.files, 'single'));
    }
  });
});

it('a port that answers nothing sensible is no neighbour', async () => {
  const server = await office.spawn(2, process.execPath, [
    '-e',
    `const s = require('node:net').createServer((c) => c.end('hello')); s.listen(7000, '127.0.0.1', () => console.log('up'))`,
  ]);
  await server.waitFor(/up/);
  const error = await failure(bob, 'neighbour', 'add', '127.0.0.1:7000');
  expect(error).toMatchObject({ exit: 6, code: 'unreachable' });
  expect(error.message).toContain('127.0.0.1:7000');
});

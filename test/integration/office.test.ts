// needs: namespaces cups
/** The whole product once: three PCs of an office, made of namespaces, with a real print system on the first. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EntryView, JobView, NeighbourView, Snapshot } from '../../protocol/control.ts';
import { Scope } from '../../agent/base/scope.ts';
import { TestAgent } from '../office/agents.ts';
import { type CupsServer, startCups } from '../office/cups.ts';
import { makePdf, writeRandomFile } from '../office/documents.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
let office: Office;
let cups: CupsServer;
let folder: string;
let anna: TestAgent;
let bob: TestAgent;
let carol: TestAgent;

const neighboursOf = (agent: TestAgent): Promise<NeighbourView[]> => agent.json(z.array(NeighbourView), 'neighbours');
const neighbourOf = async (agent: TestAgent, name: string): Promise<NeighbourView | undefined> =>
  (await neighboursOf(agent)).find((neighbour) => neighbour.name === name);

async function startAgent(host: number, name: string, env: Record<string, string> = {}): Promise<TestAgent> {
  const agent = await TestAgent.prepare({ host: { prefix: await office.entry(host) }, name, env });
  scope.use(agent);
  return agent;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

beforeAll(async () => {
  office = scope.use(await startOffice(3));
  cups = scope.use(await startCups());
  folder = await mkdtemp(join(tmpdir(), 'nh-share-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  anna = await startAgent(1, 'Anna', { CUPS_SERVER: cups.server });
  bob = await startAgent(2, 'Bob');
  carol = await startAgent(3, 'Carol');
  await writeRandomFile(join(folder, 'big.bin'), 1 << 30);
  await mkdir(join(folder, 'many', 'deeper', 'empty'), { recursive: true });
  for (let i = 0; i < 1000; i++) {
    const path = join(folder, 'many', i % 2 === 0 ? 'deeper' : '.', `Datei ${i} ü.txt`);
    await writeFile(path, `${i}\n`.repeat(i));
    await utimes(path, 1_700_000_000 + i, 1_600_000_000 + i);
  }
});
afterAll(() => scope[Symbol.asyncDispose]());

describe('three PCs of an office', () => {
  it('find each other and see a folder and a printer within 3 s of their start', async () => {
    await Promise.all([anna.start(), bob.start(), carol.start()]);
    await anna.json(z.unknown(), 'share', folder, '--name', 'Projects');
    await anna.json(z.unknown(), 'printer', 'share', 'laser');
    const began = performance.now();
    const seen = await until(
      async () => {
        const neighbour = await neighbourOf(bob, 'Anna');
        return (
          neighbour?.state === 'ready' && neighbour.shares.length > 0 && neighbour.printers.length > 0 && neighbour
        );
      },
      { what: () => `Bob to see Anna: ${bob.output}`, withinMs: 3000 },
    );
    console.log(`seen after ${Math.round(performance.now() - began)} ms`);
    expect(seen.shares).toMatchObject([{ name: 'Projects', rights: 'read' }]);
    expect(seen.printers).toMatchObject([{ id: 'laser', state: 'idle', accepting: true }]);
    expect(seen.addresses.some((address) => address.includes(office.address(1)))).toBe(true);
  });

  it('announce their own host name, never that of the operating system', async () => {
    const status = await anna.json(Snapshot.pick({ device: true }).loose(), 'status');
    expect(status.device.name).toBe('Anna');
    expect(anna.output).toContain('Anna');
  });

  it('list shares and folders', async () => {
    const shares = await bob.json(z.array(z.looseObject({})), 'ls', 'anna');
    expect(shares).toMatchObject([{ name: 'Projects', kind: 'folder' }]);
    const top = await bob.json(z.array(EntryView), 'ls', 'Anna/Projects');
    expect(top.map(({ name, kind, size }) => ({ name, kind, size }))).toEqual([
      { name: 'big.bin', kind: 'file', size: 1 << 30 },
      { name: 'many', kind: 'folder', size: 0 },
    ]);
    const many = await bob.json(z.array(EntryView), 'ls', 'Anna/Projects/many');
    expect(many).toHaveLength(501);
    const file = many.find(({ name }) => name === 'Datei 7 ü.txt');
    expect(file).toMatchObject({
      path: 'many/Datei%207%20%C3%BC.txt',
      size: 14,
      modified: new Date(1_600_000_007_000).toISOString(),
    });
  });

  it('fetch a file of 1 GiB with its hash and time', async () => {
    const result = await bob.json(
      z.looseObject({ path: z.string(), files: z.int(), bytes: z.int() }),
      'get',
      'anna/Projects/big.bin',
      bob.files,
    );
    expect(result).toMatchObject({ path: join(bob.files, 'big.bin'), files: 1, bytes: 1 << 30 });
    expect(await sha256(result.path)).toBe(await sha256(join(folder, 'big.bin')));
    // Whole milliseconds are what is told.
    expect((await stat(result.path)).mtimeMs).toBe(Math.floor((await stat(join(folder, 'big.bin'))).mtimeMs));
    await rm(result.path);
  });

  it('fetch a folder of 1,000 files with their hashes, times and empty folders', async () => {
    const result = await bob.json(
      z.looseObject({ path: z.string(), files: z.int() }),
      'get',
      'anna/Projects/many',
      join(bob.files, 'copy'),
    );
    expect(result).toMatchObject({ path: join(bob.files, 'copy'), files: 1000 });
    for (let i = 0; i < 1000; i++) {
      const name = join(i % 2 === 0 ? 'deeper' : '.', `Datei ${i} ü.txt`);
      expect(await readFile(join(bob.files, 'copy', name), 'utf8')).toBe(`${i}\n`.repeat(i));
      expect((await stat(join(bob.files, 'copy', name))).mtimeMs).toBe((1_600_000_000 + i) * 1000);
    }
    expect(await readdir(join(bob.files, 'copy', 'deeper', 'empty'))).toEqual([]);
    expect(
      (await readdir(join(bob.files, 'copy'), { recursive: true })).filter((name) => name.includes('nethood-part')),
    ).toEqual([]);
  });

  it("print a PDF on a neighbour's real printer, once, and follow it to completed", async () => {
    const pdf = join(bob.home, 'offer.pdf');
    await makePdf(pdf, 'An offer');
    const result = await bob.json(
      z.looseObject({ job: z.int(), state: z.string() }),
      'print',
      pdf,
      '--on',
      'anna/laser',
      '--wait',
    );
    expect(result.state).toBe('completed');
    expect((await readdir(cups.printedFolder)).filter((name) => name.endsWith('.bin'))).toHaveLength(1);
    const jobs = await bob.json(z.array(JobView.partial()), 'jobs');
    expect(jobs).toMatchObject([{ name: 'offer.pdf', state: 'completed' }]);
  });

  it('show a share for listed devices to those alone, and nothing else of it to others', async () => {
    await mkdir(join(folder, 'many', 'private'));
    await anna.json(z.unknown(), 'share', join(folder, 'many', 'private'), '--name', 'ForBob', '--for', 'Bob');
    await until(async () => (await neighbourOf(bob, 'Anna'))?.shares.some(({ name }) => name === 'ForBob'), {
      what: 'Bob to see the share',
      withinMs: 3000,
    });
    expect(await bob.json(z.array(z.unknown()), 'ls', 'Anna/ForBob')).toEqual([]);
    expect((await neighbourOf(carol, 'Anna'))?.shares.map(({ name }) => name)).toEqual(['Projects']);
    const refused = await carol.nethood('ls', 'Anna/ForBob', '--json');
    const unknown = await carol.nethood('ls', 'Anna/Nowhere', '--json');
    expect([refused.code, unknown.code]).toEqual([4, 4]);
    expect(refused.stdout.replace('ForBob', 'Nowhere')).toBe(unknown.stdout);
  });

  it('notice within 15 s that an agent was killed, and take it back without help', async () => {
    await anna.kill();
    const began = performance.now();
    for (const agent of [bob, carol]) {
      await until(async () => (await neighbourOf(agent, 'Anna'))?.state === 'gone', {
        what: 'Anna to be gone',
        withinMs: 15_000,
      });
    }
    console.log(`gone after ${Math.round(performance.now() - began)} ms`);
    await anna.start();
    for (const agent of [bob, carol]) {
      await until(async () => (await neighbourOf(agent, 'Anna'))?.state === 'ready', {
        what: 'Anna to be back',
        withinMs: 10_000,
      });
    }
  });

  it('notice within 15 s that a PC was cut off without a word, on both sides', async () => {
    await office.partition(1);
    const began = performance.now();
    const sides: [TestAgent, string][] = [
      [bob, 'Anna'],
      [anna, 'Bob'],
    ];
    const gone = sides.map(([agent, name]) =>
      until(async () => (await neighbourOf(agent, name))?.state === 'gone', {
        what: `${name} to be gone`,
        withinMs: 16_000,
      }),
    );
    await Promise.all(gone);
    console.log(`cut off: gone after ${Math.round(performance.now() - began)} ms`);
    await office.heal(1);
    await until(async () => (await neighbourOf(bob, 'Anna'))?.state === 'ready', {
      what: 'Anna to be back',
      withinMs: 20_000,
    });
  });
});

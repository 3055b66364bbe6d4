// needs: namespaces
/** What goes wrong on the way while files of a share are listed and fetched, between real agents. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  copyFile,
  mkdtemp,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { EntryView, NeighbourView, ShareView } from '../../protocol/control.ts';
import { TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { writeRandomFile } from '../office/documents.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const program = join(import.meta.dirname, '../../dist/test/programs/slow-readers.js');
const scope = new Scope();
let office: Office;
let anna: TestAgent;
let bob: TestAgent;
let folder: string;
/** Of what is fetched. */
let targets: string;
let shareId: string;

const Got = z.looseObject({ files: z.int(), bytes: z.int(), path: z.string() });
const Listed = z.array(EntryView);

beforeAll(async () => {
  office = scope.use(await startOffice(2));
  folder = await mkdtemp(join(tmpdir(), 'nh-share-'));
  targets = await mkdtemp(join(tmpdir(), 'nh-got-'));
  for (const made of [folder, targets]) scope.defer(() => rm(made, { recursive: true, force: true }));
  await mkdir(join(folder, 'docs', '2026'), { recursive: true });
  for (const name of ['a.pdf', 'b.pdf', 'c.txt', '2026/d.pdf']) await writeFile(join(folder, 'docs', name), name);
  await writeRandomFile(join(folder, 'big.bin'), 96 << 20);
  anna = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(1) }, name: 'Anna' }));
  bob = await neighbour('Bob');
  await Promise.all([anna.start(), bob.start()]);
  ({ id: shareId } = await anna.json(ShareView, 'share', folder, '--name', 'Projects'));
  await sees(bob);
});
afterAll(() => scope[Symbol.asyncDispose]());

async function neighbour(name: string): Promise<TestAgent> {
  return scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(2) }, name }));
}

function sees(agent: TestAgent, address?: string, withinMs = 60_000): Promise<boolean> {
  return until(
    async () =>
      (await agent.json(z.array(NeighbourView), 'neighbours')).some(
        ({ name, state, addresses }) =>
          name === 'Anna' && state === 'ready' && (address === undefined || addresses[0] === address),
      ),
    { what: () => `Anna to be seen: ${agent.output}`, withinMs },
  );
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function folderFor(agent: TestAgent, name: string): Promise<string> {
  // Not in its home: nothing is put where an agent keeps its key and state.
  const path = join(targets, basename(agent.home), name);
  await mkdir(path, { recursive: true });
  return path;
}

/** Until a part of a file lies in it. */
async function begun(destination: string): Promise<void> {
  await until(
    async () => {
      const parts = (await readdir(destination)).filter((name) => name.endsWith('.nethood-part'));
      const sizes = await Promise.all(parts.map(async (name) => (await stat(join(destination, name))).size));
      return sizes.some((size) => size > 0);
    },
    { what: 'the first bytes', withinMs: 30_000, everyMs: 10 },
  );
}

/** A get as a process: its exit code, what it said. */
function getting(agent: TestAgent, path: string, destination: string): Promise<{ code: number | null; said: string }> {
  const cli = agent.spawnCli('get', `Anna/Projects/${path}`, destination, '--json');
  let said = '';
  cli.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  cli.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  return once(cli, 'close').then(() => ({ code: cli.exitCode, said }));
}

async function memoryOf(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

describe('a share of a neighbour', () => {
  it('is listed and fetched by patterns', async () => {
    const names = (await bob.json(Listed, 'ls', 'Anna/Projects/docs/**/*.pdf')).map(({ name }) => name);
    expect(names).toEqual(['2026/d.pdf', 'a.pdf', 'b.pdf']);
    const destination = await folderFor(bob, 'patterns');
    expect(await bob.json(Got, 'get', 'Anna/Projects/docs/[ab].pdf', destination)).toMatchObject({ files: 2 });
    expect((await readdir(destination)).toSorted()).toEqual(['a.pdf', 'b.pdf']);
    const long = await bob.nethood('ls', '-l', 'Anna/Projects/docs');
    expect(long.stdout).toMatch(/^ {10}.* 2026\/\n {5}5 B .* a\.pdf\n {5}5 B .* b\.pdf\n {5}5 B .* c\.txt\n$/);
    expect(await bob.nethood('get', 'Anna/Projects/docs/*.doc', destination)).toMatchObject({ code: 4 });
  });

  it('tells who looks at a folder of it that it changed', async () => {
    const cli = bob.spawnCli('ls', 'Anna/Projects/docs', '--watch', '--json');
    const ended = once(cli, 'close');
    let said = '';
    cli.stdout?.on('data', (data: Buffer) => (said += data.toString()));
    const shows = (text: string, not = '\0'): Promise<boolean> =>
      until(
        () =>
          said
            .trimEnd()
            .split('\n')
            .some((line) => line.includes(text) && !line.includes(not)),
        {
          what: () => `${text} in ${said}`,
          withinMs: 20_000,
        },
      );
    await shows('"a.pdf"');
    const changed = performance.now();
    await writeFile(join(folder, 'docs', 'new.pdf'), '');
    await shows('"new.pdf"');
    console.log(`a new file is shown after ${Math.round(performance.now() - changed)} ms`);
    await rm(join(folder, 'docs', 'c.txt'));
    await shows('"new.pdf"', '"c.txt"');
    cli.kill('SIGINT');
    await ended;
    expect(cli.exitCode).toBe(0);
  });
});

describe('a file that is fetched', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['cut', (path) => truncate(path, 20 << 20)],
    ['written over', (path) => overwritten(path)],
    ['replaced', (path) => rename(`${path}.new`, path)],
  ])('and %s at its owner meanwhile is one version whole, or changed: never a mixture', async (what, change) => {
    const path = join(folder, 'changing.bin');
    await copyFile(join(folder, 'big.bin'), path);
    await writeRandomFile(`${path}.new`, 32 << 20);
    const versions = [await sha256(path)];
    const destination = await folderFor(bob, `changing ${what}`);
    const get = getting(bob, 'changing.bin', destination);
    await begun(destination);
    await change(path);
    versions.push(await sha256(path));
    const { code, said } = await get;
    console.log(`${what}: exit ${code}`);
    if (code === 0) expect(versions).toContain(await sha256(join(destination, 'changing.bin')));
    else
      expect([code, JSON.parse(said), await readdir(destination)]).toMatchObject([
        8,
        { error: { code: 'changed' } },
        [],
      ]);
    await rm(destination, { recursive: true });
  });

  it.each([
    ['its owner', 1],
    ['who fetches it', 2],
  ] as const)('comes whole although %s gets another address on the way', async (who, host) => {
    const destination = await folderFor(bob, `moved ${host}`);
    const get = getting(bob, 'big.bin', destination);
    await begun(destination);
    const began = performance.now();
    const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
    await office.readdress(host, `10.77.0.10${host}`);
    const again = sees(bob, host === 1 ? '10.77.0.101' : undefined, 10_000).then(seconds);
    const { code, said } = await get;
    const whole = seconds();
    console.log(`${who} moved: in session again as seen after ${await again} s, whole after ${whole} s`);
    await office.readdress(host, office.address(host));
    expect(code, said).toBe(0);
    expect(await sha256(join(destination, 'big.bin'))).toBe(await sha256(join(folder, 'big.bin')));
    await sees(bob, office.address(1));
  });

  const receivers = count(2, 20);
  it(`by ${receivers} neighbours comes whole to each although its owner is killed and started again`, async () => {
    const others = await Promise.all(Array.from({ length: receivers }, (_, at) => neighbour(`Neighbour ${at}`)));
    for (const other of others) await other.start();
    await Promise.all(others.map((other) => sees(other)));
    const destinations = await Promise.all(others.map((other) => folderFor(other, 'copy')));
    const gets = others.map((other, at) => getting(other, 'big.bin', destinations[at] ?? ''));
    await Promise.all(destinations.map(begun));
    await anna.kill();
    const began = performance.now();
    await anna.start();
    const serving = performance.now();
    expect((await Promise.all(gets)).map(({ code }) => code)).toEqual(others.map(() => 0));
    const [start, all] = [serving - began, performance.now() - serving].map((ms) => (ms / 1000).toFixed(1));
    console.log(`${receivers} transfers: serving again after ${start} s, all whole ${all} s later`);
    const wanted = await sha256(join(folder, 'big.bin'));
    for (const destination of destinations) {
      expect(await readdir(destination)).toEqual(['big.bin']);
      expect(await sha256(join(destination, 'big.bin'))).toBe(wanted);
    }
    for (const other of others) await other[Symbol.asyncDispose]();
    await sees(bob);
  });

  it('costs its owner little memory while 50 neighbours have stopped reading it, and others are served', async () => {
    await (await open(join(folder, 'huge.bin'), 'w')).close();
    await truncate(join(folder, 'huge.bin'), 2 ** 30);
    const { ports } = await anna.json(z.looseObject({ ports: z.object({ peers: z.int() }) }), 'status');
    const before = await memoryOf(anna.pid);
    const where = [office.address(1), String(ports.peers), `/files/${shareId}/huge.bin`];
    const slow = await office.spawn(2, process.execPath, [program, '50', ...where], { keepStdin: true });
    await slow.waitFor(/\{"held":50\}/, 60_000);
    const more = (await memoryOf(anna.pid)) - before;
    const destination = await folderFor(bob, 'beside');
    const began = performance.now();
    await bob.json(Got, 'get', 'Anna/Projects/docs/a.pdf', destination);
    const [mebibytes, ms] = [more >> 20, Math.round(performance.now() - began)];
    console.log(`50 readers that stand still: ${mebibytes} MiB more; another's file came in ${ms} ms`);
    slow.kill();
    await slow.exited;
    expect(more).toBeLessThan(64 << 20);
  });
});

/** In place, as a program does that saves without a new file. */
async function overwritten(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  for (let at = 0; at < 8; at++) await file.write(Buffer.alloc(1 << 20, at), 0, 1 << 20, at * (12 << 20));
}

// needs: namespaces
/**
 * A put or a get of a file or a folder whose sender or receiver is killed at random points: the same command ends with
 * all of it, nothing was ever seen half under its name, and little was sent twice. What is lost is what was on its way
 * to the disk, some MiB each time: of what is as large as what people move that is little.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { NeighbourView } from '../../protocol/control.ts';
import { sha256 } from '../files/files-support.ts';
import { TestAgent } from '../office/agents.ts';
import { count, seededRandom } from '../office/counts.ts';
import { writeRandomFile } from '../office/documents.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
const Result = z.looseObject({ path: z.string(), files: z.int(), bytes: z.int(), resumedFrom: z.int() });
const random = seededRandom();
const kills = count(2, 25);
/** Percent of the bytes, of all kills of one way together. */
const mostTwice = count(100, 2);
const fileSize = count(96, 400) << 20;
/** Of these one in a hundred is large, one in five the size of a picture; with full counts 400 MiB. */
const filesInFolder = count(300, 2_000);

let office: Office;
let anna: TestAgent;
let bob: TestAgent;
/** What Bob has to give. */
let sources: string;
/** What Anna shares, and others may change. */
let share: string;
/** Of every file, by its path below `sources`. */
const hashes = new Map<string, string>();
let sizeOfFolder = 0;

const ready = (): Promise<boolean> =>
  until(
    async () =>
      (await bob.json(z.array(NeighbourView), 'neighbours')).some(
        ({ name, state, shares }) => name === 'Anna' && state === 'ready' && shares.length === 2,
      ),
    { what: () => `Bob to see Anna: ${bob.output}`, withinMs: 20_000 },
  );

beforeAll(async () => {
  office = scope.use(await startOffice(2));
  sources = await mkdtemp(join(tmpdir(), 'nh-sources-'));
  share = await mkdtemp(join(tmpdir(), 'nh-share-'));
  for (const folder of [sources, share]) scope.defer(() => rm(folder, { recursive: true, force: true }));
  await makeSources();
  anna = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(1) }, name: 'Anna' }));
  bob = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(2) }, name: 'Bob' }));
  await Promise.all([anna.start(), bob.start()]);
  await anna.json(z.unknown(), 'share', share, '--name', 'Inbox', '--write');
  await anna.json(z.unknown(), 'share', sources, '--name', 'Sources');
  await ready();
}, 120_000);
afterAll(() => scope[Symbol.asyncDispose]());

async function makeSources(): Promise<void> {
  await writeRandomFile(join(sources, 'big.bin'), fileSize);
  await mkdir(join(sources, 'work', 'empty'), { recursive: true });
  for (let at = 0; at < filesInFolder; at++) {
    const folder = join(sources, 'work', `part ${at % 7}`);
    await mkdir(folder, { recursive: true });
    await writeRandomFile(join(folder, `file ${at}`), sizeInFolder(at));
  }
  for (const path of await filesIn(sources)) hashes.set(path, await sha256(join(sources, path)));
  for (const path of await filesIn(join(sources, 'work')))
    sizeOfFolder += (await readFile(join(sources, 'work', path))).length;
}

function sizeInFolder(at: number): number {
  if (at % 100 === 0) return 10 << 20;
  return at % 5 === 0 ? (128 + ((at * 37) % 897)) << 10 : 1 + ((at * 37) % 9_000);
}

/** All but what is being received. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => !path.includes('.nethood-part')).map((path) => path.slice(folder.length + 1));
}

async function partsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.includes('.nethood-part'));
}

/** Nothing under a final name is a part of a file. Gives how many there are. */
async function expectWholeFiles(folder: string): Promise<number> {
  const paths = await filesIn(folder);
  for (const path of paths) expect(await sha256(join(folder, path)), path).toBe(hashes.get(path));
  return paths.length;
}

interface Way {
  readonly what: string;
  readonly bytes: () => number;
  readonly files: () => number;
  readonly receiver: () => TestAgent;
  /** To `copy`, which is a fresh name. */
  readonly command: (copy: string) => string[];
}

const filesOfFolder = (): number => hashes.size - 1;
const ways: Way[] = [
  {
    what: 'put of a file',
    bytes: () => fileSize,
    files: () => 1,
    receiver: () => anna,
    command: (copy) => ['put', join(sources, 'big.bin'), `Anna/Inbox/${copy}/`],
  },
  {
    what: 'put of a folder',
    bytes: () => sizeOfFolder,
    files: filesOfFolder,
    receiver: () => anna,
    command: (copy) => ['put', join(sources, 'work'), `Anna/Inbox/${copy}/`],
  },
  {
    what: 'get of a file',
    bytes: () => fileSize,
    files: () => 1,
    receiver: () => bob,
    command: (copy) => ['get', 'Anna/Sources/big.bin', join(share, copy, 'big.bin')],
  },
  {
    what: 'get of a folder',
    bytes: () => sizeOfFolder,
    files: filesOfFolder,
    receiver: () => bob,
    command: (copy) => ['get', 'Anna/Sources/work', join(share, copy)],
  },
];

/** When so many bytes have come, or a little later. */
async function killInTheMiddle(way: Way, command: readonly string[], bytes: number): Promise<void> {
  const end = (await way.receiver().bytesReceived()) + bytes;
  const cli = bob.spawnCli(...command);
  let said = '';
  cli.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  cli.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  const ended = once(cli, 'close');
  const victim = random() < 0.5 ? anna : bob;
  const come = async (): Promise<boolean> => (await way.receiver().bytesReceived()) >= end || cli.exitCode !== null;
  await until(come, { what: () => `${bytes} bytes: ${said}`, withinMs: 60_000, everyMs: 2 });
  await victim.kill();
  await victim.start();
  await ready();
  await ended;
  // Anna's death is waited out by Bob's agent; the command tells of his own.
  if (victim === anna) expect(cli.exitCode, `waits for Anna to come back: ${said}`).toBe(0);
}

it.each(ways)(
  `$what survives ${kills} kills of either side at random points`,
  async (way) => {
    let twice = 0;
    let resumed = 0;
    for (let round = 1; round <= kills; round++) {
      const copy = `${way.what} ${round}`;
      const folder = join(share, copy);
      await mkdir(folder);
      const before = await way.receiver().bytesReceived();
      const command = way.command(copy);
      await killInTheMiddle(way, command, random() * way.bytes());
      await expectWholeFiles(folder);
      const end = await bob.json(Result, ...command);
      twice += (await way.receiver().bytesReceived()) - before - way.bytes();
      resumed += end.resumedFrom > 0 ? 1 : 0;
      expect(await expectWholeFiles(folder)).toBe(way.files());
      expect(await partsIn(folder)).toEqual([]);
      await rm(folder, { recursive: true });
    }
    const again = (twice / (way.bytes() * kills)) * 100;
    const line = `${again.toFixed(1)} % of the bytes twice, all overhead included`;
    console.log(`${way.what}: ${kills} kills, ${resumed} resumed, ${line}`);
    expect(again).toBeLessThan(mostTwice);
  },
  count(300_000, 1_800_000),
);

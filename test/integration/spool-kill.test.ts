// needs: cups
/** kill -9 of a process with a spool before the PDF printer and a real CUPS, at moments by chance. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCups, type CupsServer } from '../office/cups.ts';
import { seeded } from '../sim/clock.ts';
import { count } from '../office/counts.ts';

const program = join(import.meta.dirname, '../../dist/test/programs/spool-program.js');
const rounds = count(10, 100);

interface Told {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly queue?: string;
  readonly phase?: string;
  readonly state?: string;
}

let home: string;
let cups: CupsServer;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'nh-kill-'));
  cups = await startCups({ env: { PATH: process.env['PATH'] ?? '' } });
});
afterAll(async () => {
  await cups?.[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

/** Lines that it told until its end; killed after so many milliseconds from its first line on. */
async function run(mode: 'send' | 'drain', prefix: string, killAfterMs?: number): Promise<Told[]> {
  const env = { ...process.env, CUPS_SERVER: cups.server };
  const child = spawn(process.execPath, [program, home, mode, prefix], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const told: Told[] = [];
  let timer: NodeJS.Timeout | undefined;
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    // What the kill cut in two was not told.
    if (line.endsWith('}')) told.push(JSON.parse(line) as Told);
    if (killAfterMs !== undefined) timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  }
  await ended;
  clearTimeout(timer);
  return told;
}

test(`${rounds} kills: every job that was accepted comes out once, or is held for a person`, async () => {
  const random = seeded(20_261);
  const accepted: Told[] = [];
  for (let round = 0; round < rounds; round++)
    accepted.push(...(await run('send', `r${round}`, Math.floor(random() * 400))));
  const known = new Map((await run('drain', '')).map((job) => [job.id, job]));

  const files = await readdir(join(home, 'files'));
  const sheets = (await readFile(join(cups.printedFolder, 'titles'), 'utf8')).split('\n').filter((line) => line !== '');
  const printed = new Map<string, number>();
  for (const file of files) tally(printed, file.replace(/( \(\d+\))?\.pdf$/, ''));
  for (const sheet of sheets) tally(printed, sheet.replace(/^\d+ /, ''));

  expect(
    files.filter((file) => file.startsWith('.')),
    'hidden files left over',
  ).toEqual([]);
  expect(new Set(accepted.map(({ id }) => id)).size, 'ids given twice').toBe(accepted.length);
  expect(
    accepted.filter(({ id, uuid }) => known.get(id)?.uuid !== uuid),
    'forgotten',
  ).toEqual([]);
  const lost = accepted.filter(({ id, name }) => !printed.has(name) && known.get(id)?.phase !== 'held');
  expect(lost, 'lost').toEqual([]);
  expect(
    [...printed].filter(([, times]) => times > 1),
    'printed twice',
  ).toEqual([]);
  expect(accepted.length, 'jobs that were under way').toBeGreaterThan(rounds);
}, 1_200_000);

function tally(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

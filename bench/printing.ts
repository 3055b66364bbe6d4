/**
 * What a job through the agent's spool costs, beside the same job straight to the same CUPS: documents of any size by
 * ipptool and lp, many small ones, and the agent's memory while a gibibyte passes. On a disk, because the spool's promise
 * is one of durability.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from '../agent/base/scope.ts';
import { finalJobStates } from '../protocol/resources.ts';
import { BenchAgent } from './agents.ts';
import { missingOf, timed } from './command.ts';
import { BenchCups, benchQueue } from './cupsd.ts';
import { printMany } from './ipp-jobs.ts';
import { formatTable, median } from './table.ts';

export interface PrintExtent {
  readonly rounds: number;
  readonly sizes: readonly number[];
  readonly jobs: number;
  /** Of the document under which the memory is watched. */
  readonly largest: number;
}

interface PrintOffice {
  readonly folder: string;
  readonly cups: BenchCups;
  readonly agent: BenchAgent;
  /** The agent's front on the guests port, `host:port/path`. */
  readonly front: string;
}

/** A local queue whose device is the agent's front: for lp, which speaks with CUPS alone. */
const detour = 'detour';

/** What it opens ends with the scope. */
export async function benchPrinting(extent: PrintExtent, scope: Scope): Promise<void> {
  const missing = await missingOf('/usr/sbin/cupsd', 'ipptool', 'lp', 'lpadmin');
  if (missing !== undefined) return console.log(`printing is left out: no ${missing} here`);
  const office = await openOffice(scope);
  // First, while it holds no records of thousands of jobs.
  console.log(`\nmemory of the agent while ${extent.largest / 2 ** 20} MiB pass through it`);
  console.log(formatTable(await memoryRows(office, extent.largest)));
  console.log(`\nprinting: seconds until the answer, median of ${extent.rounds}, on ${office.folder}`);
  console.log(formatTable(await documentRows(office, extent)));
  console.log(`\n${extent.jobs} jobs of 3 kB, jobs a second, median of ${extent.rounds}`);
  console.log(formatTable(await burstRows(office, extent)));
}

async function openOffice(scope: Scope): Promise<PrintOffice> {
  const folder = await mkdtemp(join(tmpdir(), 'nh-bench-'));
  // cupsd's devices run as a user of their own.
  await chmod(folder, 0o711);
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const cups = scope.use(await BenchCups.start(join(folder, 'cups')));
  const agent = scope.use(new BenchAgent(join(folder, 'agent'), cups.server));
  await agent.start('printing');
  await agent.until(({ printers }) => printers.find(({ id }) => id === benchQueue));
  await agent.nethood('printer', 'share', benchQueue);
  const { guests } = await agent.until(({ ports }) => (ports.guests === null ? undefined : ports));
  const front = `127.0.0.1:${guests}/ipp/print/${benchQueue}`;
  await cups.addRawQueue(detour, `ipp://${front}`);
  return { folder, cups, agent, front };
}

type Row = readonly string[];

async function documentRows(office: PrintOffice, { sizes, rounds }: PrintExtent): Promise<Row[]> {
  const rows: Row[] = [['', 'direct', 'agent', 'ratio', 'direct: printed', 'agent: printed']];
  for (const size of sizes) {
    const file = join(office.folder, `${size}.pdf`);
    await writePdf(file, size);
    for (const [program, ways] of Object.entries(waysOf(office, file))) {
      const times = await race(office, ways, rounds);
      const [direct, agent] = times.map(({ answered }) => median(answered));
      const printed = times.map((each) => seconds(median(each.printed)));
      rows.push([`${program}, ${size / 1e6} MB`, seconds(direct), seconds(agent), ratioOf(agent, direct), ...printed]);
    }
    await rm(file);
  }
  return rows;
}

type Way = () => Promise<unknown>;

function waysOf({ cups, front }: PrintOffice, file: string): Record<string, readonly [direct: Way, agent: Way]> {
  const lp = (queue: string): Way => {
    return () => cups.command('lp', '-d', queue, file);
  };
  return { ipptool: [ipptool(cups.uri(), file), ipptool(`ipp://${front}`, file)], lp: [lp(benchQueue), lp(detour)] };
}

function ipptool(uri: string, file: string): Way {
  return () => timed('ipptool', ['-q', '-f', file, '-d', 'filetype=application/pdf', uri, 'print-job.test']);
}

interface WayTimes {
  readonly answered: number[];
  readonly printed: number[];
}

/** Turn by turn, each from rest; the first turn warms up and is not counted. */
async function race(office: PrintOffice, ways: readonly Way[], rounds: number): Promise<readonly WayTimes[]> {
  const times = ways.map((): WayTimes => ({ answered: [], printed: [] }));
  for (let round = -1; round < rounds; round++) {
    for (const [at, way] of ways.entries()) {
      const begin = performance.now();
      await way();
      const answered = performance.now() - begin;
      await untilIdle(office);
      if (round < 0) continue;
      times[at]?.answered.push(answered / 1000);
      times[at]?.printed.push((performance.now() - begin) / 1000);
    }
  }
  return times;
}

async function untilIdle({ cups, agent }: PrintOffice): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    // The agent's own jobs first: while one lives, one in CUPS may be on its way. (A printer's number of jobs is told a little late.)
    const { jobs } = await agent.snapshot();
    if (jobs.every(({ state }) => finalJobStates.includes(state)) && (await cups.isIdle())) return;
    if (performance.now() > deadline)
      throw new Error(`The jobs are not printed: ${await cups.command('lpstat', '-t')}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

async function burstRows(office: PrintOffice, { jobs, rounds }: PrintExtent): Promise<Row[]> {
  const document = await readPdf(office.folder, 3_000);
  const places = [`127.0.0.1:${office.cups.port}/printers/${benchQueue}`, office.front];
  const rows: Row[] = [['connections', 'direct', 'agent', 'ratio']];
  for (const connections of [1, 8]) {
    const rates: [direct: number[], agent: number[]] = [[], []];
    for (let round = -1; round < rounds; round++) {
      for (const [at, place] of places.entries()) {
        const rate = await printMany({ url: `http://${place}`, uri: `ipp://${place}`, jobs, connections, document });
        rates[at]?.push(rate);
        await forget(office);
      }
    }
    const [direct, agent] = rates.map((all) => median(all.slice(1)));
    rows.push([String(connections), perSecond(direct), perSecond(agent), ratioOf(direct, agent)]);
  }
  return rows;
}

/** The rate is that of taking jobs; how fast a device prints them is not waited for. */
async function forget(office: PrintOffice): Promise<void> {
  for (const { id, state } of (await office.agent.snapshot()).jobs)
    if (!finalJobStates.includes(state)) await office.agent.cancel(id);
  await office.cups.command('cancel', '-a', benchQueue);
  await untilIdle(office);
}

async function memoryRows(office: PrintOffice, size: number): Promise<Row[]> {
  const file = join(office.folder, 'largest.pdf');
  await writePdf(file, size);
  const idle = await residentMegabytes(office.agent.pid);
  const curve: number[] = [];
  const stop = new AbortController();
  const watching = watchMemory(office.agent.pid, curve, stop.signal);
  const begin = performance.now();
  await ipptool(`ipp://${office.front}`, file)();
  const answered = (performance.now() - begin) / 1000;
  await untilIdle(office);
  stop.abort();
  await watching;
  const tenths = Array.from({ length: 10 }, (_, at) => curve[Math.floor((at * (curve.length - 1)) / 9)] ?? 0);
  return [
    ['before', `${idle.toFixed(0)} MB`],
    ['most', `${Math.max(...curve).toFixed(0)} MB`],
    ['over time', tenths.map((each) => each.toFixed(0)).join(' ')],
    ['until the answer', `${seconds(answered)} s`],
  ];
}

async function watchMemory(pid: number, curve: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    curve.push(await residentMegabytes(pid));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) * 1.024e-3;
}

/** What calls itself a PDF and is random behind that: nobody on the way looks further. */
async function writePdf(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.write('%PDF-1.4\n');
    for (let left = bytes - 9; left > 0; left -= 1 << 20) await file.write(randomBytes(Math.min(left, 1 << 20)));
  } finally {
    await file.close();
  }
}

async function readPdf(folder: string, bytes: number): Promise<Buffer> {
  const file = join(folder, 'small.pdf');
  await writePdf(file, bytes);
  return readFile(file);
}

function seconds(value = 0): string {
  return value.toFixed(3);
}

function perSecond(value = 0): string {
  return value.toFixed(0);
}

function ratioOf(value = 0, reference = 1): string {
  return (value / reference).toFixed(2);
}

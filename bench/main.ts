/**
 * `npm run bench [-- --quick] [-- --printing]`: what nethood reaches, beside what a user would take instead, on the same machine in the
 * same run. Times depend on the machine and its other work; the ratios are what to compare.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, type } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Scope } from '../agent/base/scope.ts';
import { BenchAgent, introduce, openGet } from './agents.ts';
import { timed } from './command.ts';
import { attempt, type Mover, race } from './mover.ts';
import { openNginxCurl } from './nginx-curl.ts';
import { openOthers, type Others } from './others.ts';
import { benchPrinting, type PrintExtent } from './printing.ts';
import { speedRows } from './speed.ts';
import { formatTable, median } from './table.ts';
import { davRows } from './webdav-rows.ts';
import { openWorkspace, writeRandomFile, writeSmallFiles } from './workspace.ts';

interface Extent {
  readonly bytes: number;
  /** Small ones in a folder, of 4 KiB. */
  readonly files: number;
  readonly rounds: number;
  readonly starts: number;
  readonly commands: number;
  /** How long an agent is left alone before its memory is read. */
  readonly idleMs: number;
}

const whole: Extent = { bytes: 2e9, files: 10_000, rounds: 5, starts: 5, commands: 20, idleMs: 10_000 };
const quick: Extent = { bytes: 2 ** 27, files: 1_000, rounds: 2, starts: 2, commands: 5, idleMs: 2_000 };

const wholePrint: PrintExtent = { rounds: 7, sizes: [1e6, 1e8], jobs: 200, largest: 2 ** 30 };
const quickPrint: PrintExtent = { rounds: 3, sizes: [1e6, 1e7], jobs: 100, largest: 2 ** 27 };

type Row = readonly string[];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, printing: { type: 'boolean', default: false } },
  });
  const extent = values.quick ? quick : whole;
  await using scope = new Scope();
  endOnSignal(scope);
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${type()} ${release()}, Node ${process.versions.node}`,
  );
  console.log(
    `load before: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}\n`,
  );
  if (!values.printing) await benchFiles(extent, scope);
  await benchPrinting(values.quick ? quickPrint : wholePrint, scope);
}

async function benchFiles(extent: Extent, scope: Scope): Promise<void> {
  // The file, copies of it, and a part that a failed round may leave.
  const { folder, warning } = scope.use(await openWorkspace(extent.bytes * 3));
  if (warning !== undefined) console.log(`${warning}\n`);
  const [asker, owner] = [new BenchAgent(join(folder, 'asker')), new BenchAgent(join(folder, 'owner'))];
  console.log(`${formatTable(await agentRows(asker, owner, { folder, extent, scope }))}\n`);
  console.log(`one file of ${(extent.bytes / 1e6).toFixed(0)} MB, memory to memory, median of ${extent.rounds}`);
  // Before those that keep in mind what they have seen of a folder.
  await writeRandomFile(join(folder, 'shared', 'file.bin'), extent.bytes);
  await writeSmallFiles(join(folder, 'shared', 'many'), { files: extent.files, bytes: 4096 });
  const others = await openOthers(join(folder, 'shared'), folder, scope);
  console.log(formatTable(await transferRows(asker, owner, { folder, extent, scope, others })));
  console.log(`\na folder of ${extent.files} files of 4 KiB, memory to memory, median of ${extent.rounds}`);
  console.log(formatTable(await folderRows(asker, owner, { folder, extent, scope, others })));
  console.log(`\nthe same file by WebDAV and curl, on loopback without TLS`);
  const file = join(folder, 'shared', 'file.bin');
  console.log(formatTable(await davRows(asker, owner, { folder, file, rounds: extent.rounds })));
}

/** A file of gigabytes in memory must not stay behind. */
function endOnSignal(scope: Scope): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void scope[Symbol.asyncDispose]().finally(() => process.exit(130)));
}

interface Setting {
  readonly folder: string;
  readonly extent: Extent;
  readonly scope: Scope;
}

/** Leaves both agents running, and introduced to each other. */
async function agentRows(asker: BenchAgent, owner: BenchAgent, { folder, extent, scope }: Setting): Promise<Row[]> {
  const first: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < extent.starts; round++) {
    await using fresh = new BenchAgent(join(folder, `start-${round}`));
    first.push(await fresh.start('fresh'));
    await fresh[Symbol.asyncDispose]();
    again.push(await fresh.start('fresh'));
  }
  scope.use(owner);
  scope.use(asker);
  await owner.start('owner');
  await asker.start('asker');
  const shared = join(folder, 'shared');
  await mkdir(shared);
  await introduce(asker, owner, shared);
  await new Promise((resolve) => setTimeout(resolve, extent.idleMs));
  const memory = await residentBytes(asker.pid);
  const [node, status] = await commandTimes(asker, extent.commands);
  return [
    ['agent', 'median', 'best', 'worst'],
    row('start to serving, new home', first, (ms) => `${(ms / 1000).toFixed(2)} s`),
    row('start to serving, known home', again, (ms) => `${(ms / 1000).toFixed(2)} s`),
    row('nethood status', status, (ms) => `${ms.toFixed(0)} ms`),
    row('  of it Node itself (node -e 0)', node, (ms) => `${ms.toFixed(0)} ms`),
    ['resident memory, idle, one neighbour', `${(memory / 1e6).toFixed(0)} MB`],
  ];
}

function row(name: string, values: readonly number[], text: (value: number) => string): Row {
  return [name, text(median(values)), text(Math.min(...values)), text(Math.max(...values))];
}

/** Turn by turn, in milliseconds. */
async function commandTimes(agent: BenchAgent, count: number): Promise<[node: number[], status: number[]]> {
  const [node, status]: [number[], number[]] = [[], []];
  for (let round = 0; round < count; round++) {
    node.push((await timed(process.execPath, ['-e', '0'])).seconds * 1000);
    status.push((await agent.nethood('status', '--json')).seconds * 1000);
  }
  return [node, status];
}

async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await timed('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim()) * 1024;
}

interface Comparison extends Setting {
  readonly others: Others;
}

async function transferRows(
  asker: BenchAgent,
  owner: BenchAgent,
  { folder, extent, scope, others }: Comparison,
): Promise<Row[]> {
  const file = join(folder, 'shared', 'file.bin');
  const nginx = await attempt(openNginxCurl(file, join(folder, 'nginx')));
  const opened = [
    ['nginx TLS 1.3 + curl', typeof nginx === 'string' ? nginx : scope.use(nginx)],
    ['nethood get', await openGet(asker, owner, 'file.bin')],
    ...(await others.forFile(file)),
  ] as const;
  const results = await race(present(opened), { file, folder, rounds: extent.rounds });
  const columns = ['', 'seconds', 'MB/s', 'ratio', 'worst', 'best'];
  return [columns, ...speedRows(results, extent.bytes), ...leftOut(opened), await peakRow(asker, owner)];
}

async function folderRows(
  asker: BenchAgent,
  owner: BenchAgent,
  { folder, extent, others }: Comparison,
): Promise<Row[]> {
  const file = join(folder, 'shared', 'many');
  const [tar, ...slower] = await others.forFolder(file);
  const opened = [
    ...(tar === undefined ? [] : [tar]),
    ['nethood get', await openGet(asker, owner, 'many')],
    ...slower,
  ] as const;
  const results = await race(present(opened), { file, folder, rounds: extent.rounds });
  // In units of a million bytes it would be numbers of one digit.
  const columns = ['', 'seconds', 'files/s', 'ratio', 'worst', 'best'];
  return [columns, ...speedRows(results, extent.files * 1e6), ...leftOut(opened), await peakRow(asker, owner)];
}

type Opened = readonly (readonly [name: string, mover: Mover | string])[];

function present(opened: Opened): Mover[] {
  return opened.flatMap(([, mover]) => (typeof mover === 'string' ? [] : [mover]));
}

function leftOut(opened: Opened): Row[] {
  return opened.flatMap(([name, mover]) => (typeof mover === 'string' ? [[name, `left out: ${mover}`]] : []));
}

async function peakRow(asker: BenchAgent, owner: BenchAgent): Promise<Row> {
  const peaks = await Promise.all(
    [asker, owner].map(async ({ pid }) => `${((await peakBytes(pid)) / 1e6).toFixed(0)} MB`),
  );
  return ['largest resident memory so far, receiver / sender', peaks.join(' / ')];
}

/** What Linux counts; elsewhere it is not known. */
async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

await main();

/**
 * In the place of PowerShell and of the print system of Windows: it answers the agent's requests in the same protocol.
 * `windows-spooler.js <state file>`; the state outlives it, as the spooler of Windows outlives a PowerShell, and a test
 * changes it to make a printer stop or this program misbehave.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { JobChange, PrintWish } from '../../agent/platform/windows-protocol.ts';
import { readSpooler, type SpoolerJob, type SpoolerState, writeSpooler } from '../office/windows-spooler-state.ts';

const [, , file = ''] = process.argv;
const deleting = 0x4;
const printing = 0x10;
const paused = 0x1;

const read = (): SpoolerState => readSpooler(file);

function change<T>(act: (state: SpoolerState) => T): T {
  const state = read();
  const result = act(state);
  writeSpooler(file, state);
  return result;
}

function tell(line: object): void {
  const json = JSON.stringify(line);
  process.stdout.write(
    `${json.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\r\n`,
  );
}

/** Each look sees the spooler a step further. */
function advance(state: SpoolerState, printer: string): void {
  const jobs = state.jobs.filter((job) => job.printer === printer);
  const gone = new Set(jobs.filter((job) => (job.JobStatus & deleting) !== 0 && job.looks++ > 0));
  const first = jobs.find((job) => (job.JobStatus & (paused | deleting)) === 0);
  if (first !== undefined && first.JobStatus === printing && state.endless !== true) {
    state.printed.push(first.DocumentName);
    gone.add(first);
  }
  state.jobs = state.jobs.filter((job) => !gone.has(job));
  if (first !== undefined && first.JobStatus === 0) Object.assign(first, { JobStatus: printing, PagesPrinted: 1 });
}

function jobsOn(printers: readonly string[]): object {
  return change((state) => {
    for (const name of printers) advance(state, name);
    const jobsOf = (name: string): SpoolerJob[] => state.jobs.filter(({ printer }) => printer === name);
    const there = state.printers.filter(({ Name }) => printers.includes(Name));
    return { printers: there.map((each) => Object.assign({}, each, { jobs: jobsOf(each.Name) })) };
  });
}

function changeJob({ printer, job, mark, to }: JobChange): object {
  return change((state) => {
    const found = state.jobs.find(
      (each) => each.printer === printer && each.Id === job && each.DocumentName.endsWith(mark),
    );
    if (found === undefined) return { found: false };
    if (to === 'pause') found.JobStatus |= paused;
    else if (to === 'resume') found.JobStatus &= ~paused;
    else found.JobStatus |= deleting;
    return { found: true };
  });
}

function print(id: number, wish: PrintWish): object {
  const { dies } = read();
  const size = readFileSync(wish.file).length;
  tell({ id, page: 1, of: 1 });
  if (dies === 'while-printing') process.exit(1);
  const job: SpoolerJob = change((state) => {
    const { printer, document } = wish;
    const added = {
      printer,
      Id: state.nextId,
      DocumentName: document,
      JobStatus: 0,
      TotalPages: 1,
      PagesPrinted: 0,
      looks: 0,
    };
    state.nextId++;
    state.jobs.push(added);
    state.wishes.push({ ...wish, bytes: size });
    return added;
  });
  writeFileSync(wish.done, '');
  if (dies === 'after-printing') process.exit(1);
  return { pages: 1, stopped: false, job };
}

type Request = Record<string, unknown> & { readonly id: number; readonly op: string };

function answer(request: Request): object {
  switch (request.op) {
    case 'printers':
      return { printers: read().printers };
    case 'abilities':
      return { abilities: read().printers.some(({ Name }) => Name === request['printer']) ? read().abilities : null };
    case 'jobs':
      return jobsOn(request['printers'] as string[]);
    case 'change':
      return changeJob(request as unknown as JobChange);
    case 'print':
      return print(request.id, request as unknown as PrintWish);
    default:
      return {};
  }
}

change((state) => void state.starts++);
tell({ ready: 1, version: '5.1.22621.4391' });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  const { silent, faults, noise } = read();
  if (noise !== undefined) process.stdout.write(noise);
  if (silent?.includes(request.op) === true) continue;
  const fault = faults?.[request.op];
  tell(fault === undefined ? { id: request.id, ok: answer(request) } : { id: request.id, error: fault });
}

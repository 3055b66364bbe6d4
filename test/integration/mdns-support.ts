/** Agents and strangers in an office of namespaces: discovery alone, bonjour-service, python-zeroconf, Avahi's tools. */
import { join } from 'node:path';
import { idOf } from '../discovery/engine-support.ts';
import type { Office, OfficeProcess } from '../office/office.ts';

const programs = join(import.meta.dirname, '../../dist/test/programs');
const zeroconf = join(import.meta.dirname, '../office/zeroconf-counterpart.py');
/** Debian's, which has the package python3-zeroconf. */
const python = '/usr/bin/python3';

/** Discovery alone in host k; without a name it only listens, until told by `announce`. Its id is `idOf(seed)`. */
export function startAgent(office: Office, k: number, seed: string, name = ''): Promise<OfficeProcess> {
  const args = [join(programs, 'discovery-agent.js'), seed, name];
  return office.spawn(k, process.execPath, args, { keepStdin: true });
}

export function announce(agent: OfficeProcess, name: string, port = 6631): void {
  agent.write(`${JSON.stringify({ name, port })}\n`);
}

export function bonjour(office: Office, k: number, ...args: readonly string[]): Promise<OfficeProcess> {
  return office.spawn(k, process.execPath, [join(programs, 'bonjour-counterpart.js'), ...args]);
}

export function pythonZeroconf(office: Office, k: number, ...args: readonly string[]): Promise<OfficeProcess> {
  return office.spawn(k, python, [zeroconf, ...args]);
}

export function runPython(office: Office, k: number, script: string): Promise<string> {
  return office.run(k, python, ['-c', script]);
}

/** The JSON lines that a program told so far. */
export function linesOf(process: OfficeProcess): Record<string, unknown>[] {
  return process.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Wall-clock milliseconds at which a program told the first line (from `since` on) that fits. */
export async function toldAt(
  process: OfficeProcess,
  fits: (line: Record<string, unknown>) => boolean,
  { since = 0, deadlineMs = 30_000 } = {},
): Promise<number> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const line = linesOf(process).find((told) => Number(told['at']) >= since && fits(told));
    if (line !== undefined) return Number(line['at']);
    if (Date.now() > until) throw new Error(`Not told within ${deadlineMs} ms: ${fits.toString()}\n${process.stdout}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Seen {
  readonly id: string;
  readonly name: string;
  readonly port: number;
  readonly addresses: readonly { readonly address: string }[];
}

/** The line tells that the device of this seed was seen, with these addresses of IPv4 where they are given. */
export function sees(seed: string, ipv4?: string): (line: Record<string, unknown>) => boolean {
  return ({ seen }) => {
    if (typeof seen !== 'object' || seen === null || (seen as Seen).id !== idOf(seed)) return false;
    const found = (seen as Seen).addresses.map(({ address }) => address).filter((address) => !address.includes(':'));
    return ipv4 === undefined || found.join() === ipv4;
  };
}

export function loses(seed: string): (line: Record<string, unknown>) => boolean {
  return ({ lost }) => lost === idOf(seed);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

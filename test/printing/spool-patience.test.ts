import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import type { Job } from '../../agent/printing/job.ts';
import { openSpool, type Spool } from '../../agent/printing/spool.ts';
import { QueueName } from '../../protocol/ids.ts';
import { until } from '../office/until.ts';
import { seeded, SimClock } from '../sim/clock.ts';
import { ScriptedBackend, ScriptedDevice, type Fate } from './scripted-device.ts';

const queue = QueueName.parse('laser');
const hour = 3_600_000;
const limits = () => ({ largestDocument: 1 << 20, reserve: 0, jobs: 100, jobsPerSender: 100, patienceMs: 2 * hour });
let folder: string;
let clock: SimClock;
let device: ScriptedDevice;
let spool: Spool;
let fate: Fate;
let tries: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-patience-'));
  [clock, device, fate, tries] = [new SimClock(), new ScriptedDevice(), 'unreachable', 0];
  const nextFate = (): Fate => {
    tries++;
    return fate;
  };
  const backend = new ScriptedBackend(device, { clock, fate: nextFate });
  const backendFor = () => ({ backend, queue });
  spool = await openSpool({ folder, backendFor, clock, random: seeded(1), log: silentLog, limits });
});
afterEach(async () => {
  await spool[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function accept(name: string): Promise<Job> {
  const order = { destination: { device: null, queue }, label: 'laser', owner: { kind: 'self', user: 'a' } } as const;
  const stream = Readable.from([Buffer.from(name)]);
  const document = { stream, check: () => 'text/plain' };
  return spool.accept({ ...order, name, template: new Map() }, document, new AbortController().signal);
}

/** Time passes; the disk takes its own real time in between: one timer is the spool's own, another the job's back-off. */
async function pass(ms: number, holds: () => boolean = () => false): Promise<void> {
  for (let at = 0; at < ms && !holds(); at += 15_000) {
    await clock.advance(15_000);
    await until(() => clock.pendingTimers >= 2 || holds(), { what: 'the job to wait', withinMs: 8_000, everyMs: 1 });
  }
}

test('a printer away for an hour: the job waits, says why and until when, is tried each minute, and prints once', async () => {
  const job = await accept('patience');
  await pass(hour);
  const waiting = spool.get(job.id);
  expect(waiting).toMatchObject({ state: 'pending', reasons: ['nethood-unreachable'], message: 'Nobody is there.' });
  expect(tries).toBeGreaterThan(30);
  expect(tries).toBeLessThan(110);
  fate = 'ok';
  await pass(5 * 60_000, () => spool.get(job.id)?.phase === 'ended');
  await until(() => spool.get(job.id)?.state === 'completed', { what: 'it to be printed', withinMs: 5000 });
  expect(device.printed.get(job.uuid)).toBe(1);
}, 60_000);

test('a printer away for longer than its user will wait: its jobs are given up in time, the sender can tell why, the next one prints', async () => {
  const job = await accept('in vain');
  await pass(3 * hour, () => spool.get(job.id)?.phase === 'ended');
  expect(spool.get(job.id)).toMatchObject({
    state: 'aborted',
    message: 'laser was not reached for 2 hours; the document was not printed.',
  });
  fate = 'ok';
  const next = await accept('after it');
  await pass(5 * 60_000, () => spool.get(next.id)?.phase === 'ended');
  await until(() => spool.get(next.id)?.state === 'completed', { what: 'the next one', withinMs: 5000 });
  expect(device.arrivals).toEqual(['after it']);
}, 60_000);

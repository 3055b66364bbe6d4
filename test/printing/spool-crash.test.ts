/**
 * The spool killed at any moment: what its folder holds just then, and what the device has just then, is all that the
 * next start gets. No accepted job is lost, none comes out twice, no id is given again.
 */
import { cpSync } from 'node:fs';
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
import { seeded } from '../sim/clock.ts';
import { fastClock, ScriptedBackend, ScriptedDevice, type Fate } from './scripted-device.ts';
import { count } from '../office/counts.ts';

const queue = QueueName.parse('laser');
const rounds = count(25, 1000);
const never = new AbortController().signal;

let home: string;
beforeEach(async () => (home = await mkdtemp(join(tmpdir(), 'nh-crash-'))));
afterEach(() => rm(home, { recursive: true, force: true }));

interface Course {
  readonly random: () => number;
  readonly folder: string;
  readonly device: ScriptedDevice;
  readonly calm: boolean;
}

function start({ random, folder, device, calm }: Course): Promise<Spool> {
  const clock = fastClock();
  const fates: Fate[] = ['ok', 'ok', 'unreachable', 'broke-off', 'lost-answer'];
  const backend = new ScriptedBackend(device, {
    clock,
    fate: () => (calm ? 'ok' : (fates[Math.floor(random() * fates.length)] ?? 'ok')),
    deaf: () => !calm && random() < 0.2,
  });
  return openSpool({
    folder,
    backendFor: () => ({ backend, queue }),
    clock,
    random,
    log: silentLog,
    limits: () => ({ largestDocument: 1 << 20, reserve: 0, jobs: 1000, jobsPerSender: 1000 }),
  });
}

function accept(spool: Spool, name: string): Promise<Job> {
  const order = {
    destination: { device: null, queue },
    label: 'laser',
    owner: { kind: 'self', user: 'a' },
    name,
  } as const;
  const document = { stream: Readable.from([Buffer.from(name)]), check: () => 'text/plain' };
  return spool.accept({ ...order, template: new Map() }, document, never);
}

/** Runs until a moment by chance, then takes away a copy as a crash would leave it. */
async function crash(course: Course, copy: string): Promise<{ accepted: Job[]; device: ScriptedDevice }> {
  const spool = await start(course);
  const accepted: Job[] = [];
  const sends = Array.from({ length: 6 }, async (_, at) => {
    for (let wait = Math.floor(course.random() * 20); wait > 0; wait--) await tick();
    accepted.push(await accept(spool, `job ${at}`));
  });
  for (let wait = Math.floor(course.random() * 160); wait > 0; wait--) await tick();
  // Nothing else runs in between: one moment of disk, device and knowledge.
  cpSync(course.folder, copy, { recursive: true });
  const moment = { accepted: [...accepted], device: course.device.clone() };
  await Promise.all(sends);
  await spool[Symbol.asyncDispose]();
  return moment;
}

function tick(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

test(`${rounds} crashes at moments by chance, twice in a row each: 0 lost, 0 doubled, ids never reused`, async () => {
  for (let seed = 1; seed <= rounds; seed++) {
    const random = seeded(seed);
    const folders = [1, 2, 3].map((part) => join(home, `${seed}-${part}`)) as [string, string, string];
    const first = await crash({ random, folder: folders[0], device: new ScriptedDevice(), calm: false }, folders[1]);
    const second = await crash({ random, folder: folders[1], device: first.device, calm: false }, folders[2]);
    const spool = await start({ random, folder: folders[2], device: second.device, calm: true });
    const settled = (): boolean => spool.jobs().every(({ phase }) => phase === 'ended' || phase === 'held');
    await until(settled, { what: () => `seed ${seed}: ${JSON.stringify(spool.jobs())}`, withinMs: 8000, everyMs: 1 });

    for (const job of [...first.accepted, ...second.accepted]) {
      const now = spool.get(job.id);
      const printed = second.device.printed.get(job.uuid) ?? 0;
      expect(now?.uuid, `seed ${seed}: job ${job.id} is known`).toBe(job.uuid);
      expect(printed, `seed ${seed}: job ${job.id} printed`).toBe(now?.phase === 'held' ? Math.min(printed, 1) : 1);
    }
    for (const [uuid, times] of second.device.printed) expect(times, `seed ${seed}: ${uuid}`).toBe(1);
    const uuids = new Map([...first.accepted, ...second.accepted].map(({ id, uuid }) => [id, uuid]));
    expect(uuids.size, `seed ${seed}: ids`).toBe(first.accepted.length + second.accepted.length);
    const highest = Math.max(0, ...spool.jobs().map(({ id }) => id));
    expect((await accept(spool, 'last')).id).toBeGreaterThan(highest);
    await spool[Symbol.asyncDispose]();
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
  }
}, 600_000);

import { mkdtemp, readdir, rm, writeFile, appendFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import { expiryOf } from '../../agent/printing/job-patience.ts';
import { type Job, newJobUuid, type JobOwner } from '../../agent/printing/job.ts';
import { openSpool, type JobOrder, type Spool, type SpoolDeps } from '../../agent/printing/spool.ts';
import type { IncomingDocument } from '../../agent/printing/spool-documents.ts';
import { DeviceId, QueueName } from '../../protocol/ids.ts';
import { until } from '../office/until.ts';
import { SimClock } from '../sim/clock.ts';
import { fastClock, ScriptedBackend, ScriptedDevice, type ScriptedBackendOptions } from './scripted-device.ts';

const queue = QueueName.parse('laser');
const anna = DeviceId.parse('b'.repeat(52));
const never = new AbortController().signal;
const generous = { largestDocument: 1 << 20, reserve: 0, jobs: 1000, jobsPerSender: 100 };

let folder: string;
const noDocuments = async (): Promise<boolean> => (await readdir(join(folder, 'documents'))).length === 0;
let device: ScriptedDevice;
let spool: Spool;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-spool-'));
  device = new ScriptedDevice();
});
afterEach(async () => {
  await spool[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function open(
  script: Omit<ScriptedBackendOptions, 'clock'> = {},
  change: Partial<SpoolDeps> = {},
): Promise<Spool> {
  const clock = change.clock ?? fastClock();
  const backend = new ScriptedBackend(device, { clock, ...script });
  spool = await openSpool({
    folder,
    backendFor: () => ({ backend, queue }),
    clock,
    random: () => 0.5,
    log: silentLog,
    limits: () => generous,
    ...change,
  });
  return spool;
}

async function reopen(script: Omit<ScriptedBackendOptions, 'clock'> = {}): Promise<Spool> {
  await spool[Symbol.asyncDispose]();
  return open(script);
}

function order(name: string, change: Partial<JobOrder> = {}): JobOrder {
  const destination = { device: null, queue };
  return { destination, label: 'laser', owner: { kind: 'self', user: 'berta' }, name, template: new Map(), ...change };
}

function text(words: string): IncomingDocument {
  return { stream: Readable.from([Buffer.from(words)]), check: () => 'text/plain' };
}

function accept(name: string, change: Partial<JobOrder> = {}): Promise<Job> {
  return spool.accept(order(name, change), text(name), never);
}

function ended(...jobs: readonly Job[]): Promise<unknown> {
  return until(() => jobs.every(({ id }) => spool.get(id)?.phase === 'ended'), {
    what: () => JSON.stringify(spool.jobs()),
    withinMs: 5000,
    everyMs: 2,
  });
}

describe('the spool', () => {
  test('prints what it accepted, in order, one at a time, and deletes the documents', async () => {
    await open();
    const jobs = [await accept('one'), await accept('two'), await accept('three')];
    await ended(...jobs);
    expect(device.arrivals).toEqual(['one', 'two', 'three']);
    expect(jobs.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(spool.jobs().map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
    // A job is told to have ended before its document goes.
    await until(noDocuments, { what: 'the documents to be deleted', withinMs: 5000, everyMs: 2 });
  });

  test('in a rush takes jobs first, and still prints some; a single one it passes on at once', async () => {
    const clock = new SimClock();
    device.arrive = ({ uuid, name }, words) => {
      device.jobs.set(uuid, { state: 'completed', text: words });
      device.arrivals.push(name);
    };
    await open({}, { clock });
    const jobs = [await accept('0')];
    await until(() => device.arrivals.length === 1, { what: 'the first, without a wait', withinMs: 5000, everyMs: 2 });
    for (let at = 1; at < 100; at++) {
      await clock.advance(10);
      jobs.push(await accept(String(at)));
    }
    // A second of them: those before it was a rush, then four a second.
    expect(device.arrivals.length).toBeGreaterThan(2);
    expect(device.arrivals.length).toBeLessThan(10);
    const all = async (): Promise<boolean> => {
      await clock.advance(10);
      return jobs.every(({ id }) => spool.get(id)?.phase === 'ended');
    };
    await until(all, { what: 'all to be printed', withinMs: 10_000, everyMs: 1 });
    expect(device.arrivals).toEqual(jobs.map(({ name }) => name));
  });

  test('has document and record on disk before it says that it accepted', async () => {
    await open({ fate: () => 'unreachable' });
    const job = await accept('letter');
    const [line = ''] = (await readFile(join(folder, 'jobs.journal'), 'utf8')).split('\n');
    expect(JSON.parse(line.slice(9))).toMatchObject({ job: { id: job.id, uuid: job.uuid, phase: 'waiting' } });
    expect(await readFile(join(folder, 'documents', job.document?.file ?? ''), 'utf8')).toBe('letter');
  });

  test('waits for a destination that is away, and never gives the job up', async () => {
    let away = true;
    await open({ fate: () => (away ? 'unreachable' : 'ok') });
    const job = await accept('patience');
    await until(() => (spool.get(job.id)?.failures ?? 0) >= 4, { what: 'four tries', withinMs: 5000, everyMs: 2 });
    expect(spool.get(job.id)).toMatchObject({ state: 'pending', reasons: ['nethood-unreachable'] });
    away = false;
    await ended(job);
    expect(device.printed.get(job.uuid)).toBe(1);
  });

  test('does not wait out a back-off when the destination is there again', async () => {
    let away = true;
    const slow = { ...fastClock(), timer: () => ({ [Symbol.dispose]: () => undefined }) };
    await open({ fate: () => (away ? 'unreachable' : 'ok'), endless: () => true }, { clock: slow });
    const job = await accept('impatience');
    await until(() => spool.get(job.id)?.failures === 1, { what: 'a try', withinMs: 5000, everyMs: 2 });
    away = false;
    spool.nudge(null);
    await until(() => spool.get(job.id)?.phase === 'submitted', { what: 'another', withinMs: 5000, everyMs: 2 });
  });

  test('one stuck queue holds up no other', async () => {
    await open({ fate: ({ name }) => (name === 'stuck' ? 'unreachable' : 'ok') });
    await accept('stuck');
    const other = await accept('free', { destination: { device: null, queue: QueueName.parse('ink') } });
    await ended(other);
    expect(device.arrivals).toEqual(['free']);
  });

  test('a lost answer is asked about, not sent again', async () => {
    let lost = 1;
    await open({ fate: () => (lost-- > 0 ? 'lost-answer' : 'ok') });
    const job = await accept('once');
    await ended(job);
    expect(device.printed.get(job.uuid)).toBe(1);
    expect(spool.get(job.id)?.state).toBe('completed');
  });

  test('what the destination refuses for good ends with its words', async () => {
    await open({ fate: () => 'bad-document' });
    const job = await accept('smeared');
    await ended(job);
    expect(spool.get(job.id)).toMatchObject({ state: 'aborted', message: 'It is smeared.' });
    expect(spool.get(job.id)?.reasons).toContain('document-format-error');
  });

  test('a job that the destination has forgotten is held for a person; released, it prints again', async () => {
    await open({ endless: () => true });
    const job = await accept('forgotten');
    await until(() => spool.get(job.id)?.state === 'processing', { what: 'printing', withinMs: 5000, everyMs: 2 });
    device.jobs.delete(job.uuid);
    await until(() => spool.get(job.id)?.phase === 'held', { what: 'held', withinMs: 5000, everyMs: 2 });
    expect(spool.get(job.id)).toMatchObject({ state: 'processing-stopped', reasons: ['nethood-may-have-printed'] });
    expect(device.printed.get(job.uuid)).toBe(1);
    await spool.release(job.id);
    await until(() => device.printed.get(job.uuid) === 2, { what: 'again', withinMs: 5000, everyMs: 2 });
  });

  test('a held job waits, keeps its place on disk, and prints when released', async () => {
    let away = true;
    await open({ fate: () => (away ? 'unreachable' : 'ok') });
    const job = await accept('held');
    await until(() => spool.get(job.id)?.phase === 'waiting', { what: 'waiting', withinMs: 5000, everyMs: 2 });
    await until(
      () =>
        spool.hold(job.id).then(
          () => true,
          () => false,
        ),
      { what: 'a hold between two tries', withinMs: 5000 },
    );
    away = false;
    await reopen();
    expect(spool.get(job.id)?.state).toBe('pending-held');
    await spool.release(job.id);
    await ended(job);
    expect(device.printed.get(job.uuid)).toBe(1);
  });

  test('a job that shall wait for its sender waits over a restart, and prints when it is released', async () => {
    await open();
    const job = await accept('private', { hold: true });
    expect(job).toMatchObject({ state: 'pending-held', reasons: ['job-hold-until-specified'] });
    const other = await accept('after it');
    await ended(other);
    await reopen();
    expect(spool.get(job.id)?.state).toBe('pending-held');
    await spool.release(job.id);
    await ended(job);
    expect(device.arrivals).toEqual(['after it', 'private']);
  });

  test('a job that its destination has is held and released there', async () => {
    await open({ endless: () => true });
    const job = await accept('far away');
    await until(() => spool.get(job.id)?.phase === 'submitted', { what: 'submitted', withinMs: 5000, everyMs: 2 });
    const there = device.jobs.get(job.uuid);
    await expect(spool.hold(job.id)).rejects.toMatchObject({ code: 'not-permitted' });
    if (there !== undefined) there.state = 'pending-held';
    await expect(spool.release(job.id)).resolves.toMatchObject({ phase: 'submitted' });
    expect(there?.state).toBe('pending');
  });

  test('a job that nobody takes within its patience is given up, and says when beforehand', async () => {
    const patienceMs = 600_000;
    await open({ fate: () => 'unreachable' }, { limits: () => ({ ...generous, patienceMs }) });
    const job = await accept('in vain');
    await until(() => spool.get(job.id)?.since !== undefined, { what: 'a try', withinMs: 5000, everyMs: 1 });
    const waiting = spool.get(job.id);
    if (waiting?.phase !== 'ended') expect(expiryOf(waiting ?? job)).toBe((waiting?.since ?? 0) + patienceMs);
    await ended(job);
    expect(spool.get(job.id)).toMatchObject({
      state: 'aborted',
      message: 'laser was not reached for 10 minutes; the document was not printed.',
    });
    expect(spool.get(job.id)?.reasons).toContain('nethood-expired');
  });

  test('cancels a waiting job at once, a printing one at its destination', async () => {
    await open({ endless: () => true });
    const printing = await accept('printing');
    const waiting = await accept('waiting');
    await until(() => spool.get(printing.id)?.state === 'processing', { what: 'printing', withinMs: 5000, everyMs: 2 });
    expect(await spool.cancel(waiting.id, 'user')).toMatchObject({ state: 'canceled' });
    await spool.cancel(printing.id, 'operator');
    await ended(printing);
    expect(spool.get(printing.id)?.state).toBe('canceled');
    expect(device.printed.has(waiting.uuid)).toBe(false);
    await expect(spool.cancel(waiting.id, 'user')).rejects.toMatchObject({ code: 'not-permitted' });
  });

  test('never gives an id twice, not even after the job was forgotten or its record damaged', async () => {
    const clock = fastClock();
    await open({}, { clock });
    const job = await accept('first');
    await ended(job);
    await spool[Symbol.asyncDispose]();
    const month = 31 * 24 * 3_600_000;
    await open({}, { clock: { ...clock, wall: () => clock.wall() + month } });
    await until(() => spool.jobs().length === 0, { what: 'forgetting', withinMs: 5000, everyMs: 2 });
    await spool[Symbol.asyncDispose]();
    await open();
    expect((await accept('second')).id).toBe(2);
    await spool[Symbol.asyncDispose]();
    await appendFile(join(folder, 'jobs.journal'), '00000000 {"job":{"id":3}}\n');
    const whole = await readFile(join(folder, 'jobs.journal'));
    await writeFile(join(folder, 'jobs.journal'), Buffer.concat([whole, whole.subarray(0, whole.indexOf(10) + 1)]));
    await open();
    expect((await accept('after damage')).id).toBe(4);
  });

  test('documents of no job, as a crash leaves them, are removed at the start', async () => {
    await open();
    await spool[Symbol.asyncDispose]();
    await writeFile(join(folder, 'documents', 'z'.repeat(26)), 'orphan');
    await open();
    expect(await readdir(join(folder, 'documents'))).toEqual([]);
  });

  test('tells what it is asked to follow, and ends with it', async () => {
    await open();
    const told: string[] = [];
    spool.events.on('changed', ({ state }) => told.push(state));
    await accept('told');
    await until(() => told.at(-1) === 'completed', { what: () => told.join(' '), withinMs: 5000, everyMs: 2 });
    expect([...new Set(told)]).toEqual(['pending', 'processing', 'completed']);
  });
});

describe('the same submission of a device', () => {
  const owner: JobOwner = { kind: 'device', id: anna, user: 'anna' };

  test('twice is one job, also after a restart', async () => {
    await open();
    const uuid = newJobUuid();
    const first = await accept('report', { owner, uuid });
    expect((await accept('report', { owner, uuid })).id).toBe(first.id);
    await ended(first);
    await reopen();
    expect((await accept('report', { owner, uuid })).id).toBe(first.id);
    expect(device.printed.get(uuid)).toBe(1);
  });

  test('of another device is another job', async () => {
    await open();
    const uuid = newJobUuid();
    const first = await accept('report', { owner, uuid });
    const other: JobOwner = { ...owner, id: DeviceId.parse('c'.repeat(52)) };
    expect((await accept('report', { owner: other, uuid })).id).not.toBe(first.id);
  });

  test('while the first is still arriving takes its place', async () => {
    await open();
    const uuid = newJobUuid();
    const dead = new PassThrough();
    dead.write('half');
    const first = spool.accept(order('report', { owner, uuid }), { stream: dead, check: () => 'text/plain' }, never);
    const lost = expect(first).rejects.toMatchObject({ code: 'interrupted' });
    const job = await accept('report', { owner, uuid });
    await lost;
    await ended(job);
    expect([...device.printed]).toEqual([[uuid, 1]]);
    expect(spool.jobs()).toHaveLength(1);
  });
});

const stranger = (host: number): JobOwner => ({ kind: 'guest', address: `10.0.0.${host}`, user: 'x' });

describe('limits of the spool', () => {
  test('a document that says or turns out to be too large leaves nothing behind', async () => {
    await open({}, { limits: () => ({ ...generous, largestDocument: 5 }) });
    const said = { ...text('four'), declaredBytes: 6 };
    await expect(spool.accept(order('a'), said, never)).rejects.toMatchObject({ code: 'too-large' });
    await expect(accept('turns out')).rejects.toMatchObject({ code: 'too-large' });
    expect(await readdir(join(folder, 'documents'))).toEqual([]);
    expect(spool.jobs()).toEqual([]);
  });

  test('a disk with no room beyond the reserve refuses before a byte is read', async () => {
    await open({}, { limits: () => ({ ...generous, reserve: Number.MAX_SAFE_INTEGER }) });
    const document = text('unread');
    await expect(spool.accept(order('a'), document, never)).rejects.toMatchObject({ code: 'no-space' });
    expect(document.stream.readableDidRead).toBe(false);
  });

  test('a sender with too many jobs is told to wait; others and the user of this PC are not', async () => {
    await open({ fate: () => 'unreachable' }, { limits: () => ({ ...generous, jobsPerSender: 1 }) });
    const owner: JobOwner = { kind: 'guest', address: '10.0.0.9', user: 'x' };
    await accept('one', { owner });
    const again = { ...owner, user: 'calls itself y' };
    await expect(accept('two', { owner: again })).rejects.toMatchObject({ code: 'busy' });
    await accept('other', { owner: { ...owner, address: '10.0.0.10' } });
    await accept('own');
    await accept('own again');
  });

  test('many strangers together leave a place for the user of this PC, who has a limit too', async () => {
    await open({ fate: () => 'unreachable' }, { limits: () => ({ ...generous, jobs: 3 }) });
    for (const host of [1, 2, 3]) await accept('theirs', { owner: stranger(host) });
    await expect(accept('theirs', { owner: stranger(4) })).rejects.toMatchObject({ code: 'busy' });
    for (let time = 0; time < 3; time++) await accept('own');
    await expect(accept('own')).rejects.toMatchObject({ code: 'busy' });
  });

  test('a document that breaks off is no job', async () => {
    await open();
    const stream = new PassThrough();
    stream.write('half');
    const broken = spool.accept(order('half'), { stream, check: () => 'text/plain' }, never);
    stream.destroy(new Error('reset'));
    await expect(broken).rejects.toMatchObject({ code: 'interrupted' });
    expect(spool.jobs()).toEqual([]);
    expect(await readdir(join(folder, 'documents'))).toEqual([]);
  });
});

describe('a job without its document yet', () => {
  test('gets it and prints', async () => {
    await open();
    const job = await spool.create(order('later'), never);
    expect(job).toMatchObject({ state: 'pending-held', reasons: ['job-incoming'] });
    await spool.addDocument(job.id, text('later'), never);
    await ended(job);
    expect(device.printed.get(job.uuid)).toBe(1);
  });

  test('ends after a minute without it, also over a restart', async () => {
    await open();
    const job = await spool.create(order('never'), never);
    await reopen();
    await ended(job);
    expect(spool.get(job.id)).toMatchObject({ state: 'aborted', message: 'No document came within 60 s.' });
  });

  test('ends when its document breaks off or is refused', async () => {
    await open();
    const job = await spool.create(order('broken'), never);
    const stream = new PassThrough();
    stream.destroy();
    await expect(spool.addDocument(job.id, { stream, check: () => 'text/plain' }, never)).rejects.toThrow();
    expect(spool.get(job.id)?.state).toBe('aborted');
    await expect(spool.addDocument(job.id, text('late'), never)).rejects.toMatchObject({ code: 'not-permitted' });
  });
});

/** What is remembered of jobs that ended: enough for everybody, and no more than that for one who makes them by the thousand. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { integer, range } from '../../agent/printing/ipp-attributes.ts';
import type { AttributeGroup } from '../../agent/printing/ipp-values.ts';
import type { JobOwner } from '../../agent/printing/job.ts';
import { openSpool, type Spool } from '../../agent/printing/spool.ts';
import { QueueName } from '../../protocol/ids.ts';
import { until } from '../office/until.ts';

const never = new AbortController().signal;
const eve: JobOwner = { kind: 'guest', address: '10.0.0.66', user: 'eve' };
const dora: JobOwner = { kind: 'guest', address: '10.0.0.7', user: 'dora' };
const berta: JobOwner = { kind: 'self', user: 'berta' };

let folder: string;
let spool: Spool;

async function open(): Promise<void> {
  spool = await openSpool({
    folder,
    backendFor: () => undefined,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    limits: () => ({ largestDocument: 1 << 20, reserve: 0, jobs: 1_000, jobsPerSender: 100 }),
    records: { ofAll: 40, ofOne: 10 },
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-records-'));
  await open();
});
afterEach(async () => {
  await spool[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function madeAndTakenBack(owner: JobOwner, template: AttributeGroup = new Map()): Promise<number> {
  const destination = { device: null, queue: QueueName.parse('laser') };
  const { id } = await spool.create({ destination, label: 'laser', owner, name: 'x', template }, never);
  await spool.cancel(id, 'user');
  return id;
}

const of = (owner: JobOwner) => spool.jobs().filter((job) => job.owner.user === owner.user);

test('Jobs made and taken back without end are forgotten beyond so many of one sender, and others are not', async () => {
  for (let time = 0; time < 5; time++) await madeAndTakenBack(dora);
  await madeAndTakenBack(berta);
  let last = 0;
  for (let time = 0; time < 300; time++) last = await madeAndTakenBack(eve);
  await until(() => of(eve).length <= 15, { what: () => `${of(eve).length} records to be few`, withinMs: 10_000 });
  expect(of(eve).at(-1)?.id).toBe(last);
  expect([of(dora).length, of(berta).length]).toEqual([5, 1]);
  const { size } = await stat(join(folder, 'jobs.journal'));
  expect(size).toBeLessThan(60_000);
  await spool[Symbol.asyncDispose]();
  await open();
  expect(await madeAndTakenBack(eve)).toBe(last + 1);
});

test('Those of many senders together too, the oldest first', async () => {
  for (let sender = 1; sender <= 100; sender++) await madeAndTakenBack({ ...eve, address: `10.0.1.${sender}` });
  await until(() => spool.jobs().length <= 45, { what: () => `${spool.jobs().length} records`, withinMs: 10_000 });
  expect(spool.jobs().at(-1)?.owner).toMatchObject({ address: '10.0.1.100' });
});

test('Of the ticket of a job that ended what is short is kept: the copies, not a thousand ranges of pages', async () => {
  const ranges = Array.from({ length: 1_000 }, (_, at) => range(at + 1, at + 1)).flat();
  const id = await madeAndTakenBack(
    dora,
    new Map([
      ['page-ranges', ranges],
      ['copies', integer(3)],
    ]),
  );
  expect(spool.get(id)?.template).toEqual([['copies', [{ tag: 'integer', value: 3 }]]]);
});

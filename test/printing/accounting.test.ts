import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import { Accounting } from '../../agent/printing/accounting.ts';
import { attributes, integer } from '../../agent/printing/ipp-attributes.ts';
import { attributesToJson } from '../../agent/printing/ipp-json.ts';
import { type Job, newJobUuid } from '../../agent/printing/job.ts';
import { DeviceId, JobId, QueueName } from '../../protocol/ids.ts';

const begin = Date.parse('2026-11-20T10:00:00Z');
let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'nh-accounting-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const from = ({ owner }: Job): string => `${owner.user} on desk`;
function open(jobs: Job[] = [], most?: number): Promise<Accounting> {
  return Accounting.open({ folder, from, log: silentLog, ...(most === undefined ? {} : { most }) }, jobs);
}

function job(id: number, change: Partial<Job> = {}): Job {
  return {
    id: JobId.parse(id),
    uuid: newJobUuid(),
    destination: { device: null, queue: QueueName.parse('laser') },
    label: 'laser',
    owner: { kind: 'self', user: 'anna' },
    name: 'offer.pdf',
    template: attributesToJson(attributes({ copies: integer(2) })),
    document: { file: 'a'.repeat(26), bytes: 1234, format: 'application/pdf' },
    phase: 'ended',
    state: 'completed',
    reasons: [],
    pages: 6,
    unsure: false,
    failures: 0,
    created: begin,
    ended: begin + id * 1000,
    ...change,
  };
}

const ids = async (accounting: Accounting): Promise<number[]> => (await accounting.lines({})).map((line) => line.job);

describe('accounting', () => {
  test('has one line for each job that ended, the newest first', async () => {
    await using accounting = await open();
    accounting.note(job(1));
    accounting.note(job(2, { state: 'canceled', template: [] }));
    const { ended: _, pages: __, ...waiting } = job(3, { phase: 'waiting', state: 'pending' });
    accounting.note(waiting);
    expect(await accounting.lines({})).toEqual([
      expect.objectContaining({ job: 2, state: 'canceled', copies: 1 }),
      {
        at: '2026-11-20T10:00:01.000Z',
        job: 1,
        printer: 'laser',
        from: 'anna on desk',
        name: 'offer.pdf',
        state: 'completed',
        pages: 6,
        copies: 2,
        bytes: 1234,
      },
    ]);
  });

  test('is of printers of this PC alone: what went to a neighbour stands in its book', async () => {
    await using accounting = await open();
    accounting.note(
      job(1, { destination: { device: DeviceId.parse('b'.repeat(52)), queue: QueueName.parse('laser') } }),
    );
    expect(await accounting.lines({})).toEqual([]);
  });

  test('is asked for since a time, and for the newest so many', async () => {
    await using accounting = await open();
    for (const id of [1, 2, 3]) accounting.note(job(id));
    expect(await accounting.lines({ since: '2026-11-20T10:00:02.000Z' })).toMatchObject([{ job: 3 }, { job: 2 }]);
    expect(await accounting.lines({ limit: 1 })).toMatchObject([{ job: 3 }]);
  });

  test('survives a restart, writes what a crash forgot, and nothing twice', async () => {
    const first = await open();
    first.note(job(1));
    await first[Symbol.asyncDispose]();
    // The crash came after the second job's end and before its line; the third is under way still.
    await appendFile(join(folder, 'accounting.journal'), '00000000 {"at":"torn');
    const known = [job(1), job(2)];
    const second = await open(known);
    expect(await ids(second)).toEqual([2, 1]);
    await second[Symbol.asyncDispose]();
    await using third = await open(known);
    expect(await ids(third)).toEqual([2, 1]);
  });

  test('keeps the newest lines and forgets the others for good', async () => {
    const jobs = Array.from({ length: 130 }, (_, at) => job(at + 1));
    const first = await open([], 100);
    for (const each of jobs) first.note(each);
    const kept = await ids(first);
    expect(kept[0]).toBe(130);
    expect(kept.length).toBeLessThan(125);
    await first[Symbol.asyncDispose]();
    await using second = await open(jobs, 100);
    expect(await ids(second)).toEqual(kept);
  });

  test('goes on where a line is damaged', async () => {
    const first = await open();
    for (const id of [1, 2, 3]) first.note(job(id));
    await first[Symbol.asyncDispose]();
    const path = join(folder, 'accounting.journal');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"job":2', '"job":9'));
    await using second = await open();
    expect(await ids(second)).toEqual([3, 1]);
  });
});

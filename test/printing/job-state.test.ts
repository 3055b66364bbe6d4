import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expiryMs } from '../../agent/printing/job-patience.ts';
import type { JobEffect, JobEvent } from '../../agent/printing/job-events.ts';
import { mustRecord, step } from '../../agent/printing/job-state.ts';
import { Job, newJobUuid, type JobPhase } from '../../agent/printing/job.ts';
import type { BackendJob } from '../../agent/printing/print-backend.ts';
import { DeviceId, JobId, QueueName } from '../../protocol/ids.ts';
import { finalJobStates, JobState } from '../../protocol/resources.ts';

const now = 1_760_000_000_000;
const document = { file: 'a'.repeat(26), bytes: 10, format: 'text/plain' };

function jobIn(phase: JobPhase, change: Partial<Job> = {}): Job {
  const submitted = phase === 'submitted' ? { reference: '7' } : {};
  return {
    id: JobId.parse(1),
    uuid: newJobUuid(),
    destination: { device: null, queue: QueueName.parse('laser') },
    label: 'laser',
    owner: { kind: 'self', user: 'anna' },
    name: 'Report',
    template: [],
    phase,
    state: phase === 'ended' ? 'completed' : phase === 'receiving' || phase === 'held' ? 'pending-held' : 'pending',
    reasons: [],
    unsure: false,
    failures: 0,
    created: now,
    ...(phase === 'receiving' ? {} : { document }),
    ...submitted,
    ...change,
  };
}

function report(state: JobState, change: Partial<BackendJob> = {}): BackendJob {
  return { reference: '7', state, stateReasons: [], ...change };
}

const givenUp = report('aborted', { gaveUp: true, message: 'The printer died.' });
const failure = { code: 'unreachable', message: 'Nobody is there.' } as const;
const away: Partial<Job> = {
  destination: { device: DeviceId.parse('b'.repeat(52)), queue: QueueName.parse('laser') },
};
const names = (effects: readonly JobEffect[]) => effects.map(({ type }) => type).join(' ');

describe('a step of a job', () => {
  type Row = [
    from: JobPhase,
    change: Partial<Job>,
    event: Omit<JobEvent, 'now'>,
    to: JobPhase,
    JobState,
    effects: string,
  ];
  const rows: Row[] = [
    ['receiving', {}, { type: 'received', document } as never, 'waiting', 'pending', ''],
    ['receiving', { hold: 'wanted' }, { type: 'received', document } as never, 'held', 'pending-held', ''],
    ['receiving', { ...away, hold: 'wanted' }, { type: 'received', document } as never, 'waiting', 'pending', ''],
    ['receiving', {}, { type: 'receive-ended', message: 'No.' } as never, 'ended', 'aborted', ''],
    ['waiting', {}, { type: 'turn' }, 'submitting', 'pending', 'submit'],
    ['waiting', { unsure: true }, { type: 'turn' }, 'submitting', 'pending', 'find'],
    ['submitting', { unsure: true }, { type: 'absent' }, 'submitting', 'pending', 'submit'],
    ['submitting', {}, { type: 'accepted', report: report('processing') } as never, 'submitted', 'processing', 'watch'],
    ['submitting', {}, { type: 'accepted', report: report('completed') } as never, 'ended', 'completed', ''],
    ['submitting', {}, { type: 'failed', ...failure, sent: false } as never, 'waiting', 'pending', 'retry'],
    ['submitting', {}, { type: 'failed', ...failure, sent: true } as never, 'waiting', 'pending', 'retry'],
    [
      'submitting',
      {},
      { type: 'failed', ...failure, code: 'bad-document', sent: true } as never,
      'ended',
      'aborted',
      '',
    ],
    [
      'submitting',
      { unsure: true },
      { type: 'failed', ...failure, code: 'unsupported', sent: false } as never,
      'held',
      'pending-held',
      '',
    ],
    ['submitted', {}, { type: 'report', report: report('processing') } as never, 'submitted', 'processing', ''],
    ['submitted', {}, { type: 'report', report: report('completed') } as never, 'ended', 'completed', ''],
    ['submitted', {}, { type: 'report', report: report('aborted') } as never, 'ended', 'aborted', ''],
    [
      'submitted',
      { state: 'processing' },
      { type: 'report', report: report('pending') } as never,
      'submitted',
      'processing',
      '',
    ],
    [
      'submitted',
      { state: 'processing' },
      { type: 'report', report: givenUp } as never,
      'held',
      'processing-stopped',
      '',
    ],
    ['submitted', { cancelledBy: 'user' }, { type: 'report', report: givenUp } as never, 'ended', 'aborted', ''],
    ['submitting', { unsure: true }, { type: 'accepted', report: givenUp } as never, 'held', 'pending-held', ''],
    ['submitted', { state: 'processing' }, { type: 'vanished' }, 'held', 'processing-stopped', ''],
    ['submitted', { cancelledBy: 'user' }, { type: 'vanished' }, 'ended', 'canceled', ''],
    ['submitted', {}, { type: 'contact-lost', ...failure } as never, 'submitted', 'pending', 'retry'],
    ['submitted', {}, { type: 'retry' }, 'submitted', 'pending', 'watch'],
    ['submitted', { cancelledBy: 'user' }, { type: 'retry' }, 'submitted', 'pending', 'cancel watch'],
    ['waiting', {}, { type: 'hold' }, 'held', 'pending-held', ''],
    ['held', { unsure: true }, { type: 'release' }, 'waiting', 'pending', ''],
    ['waiting', { ...away, hold: 'wanted' }, { type: 'release' }, 'waiting', 'pending', ''],
    ['submitting', { ...away, hold: 'wanted' }, { type: 'release' }, 'submitting', 'pending', ''],
    [
      'submitting',
      { ...away, hold: 'released' },
      { type: 'accepted', report: report('pending-held') } as never,
      'submitted',
      'pending-held',
      'release watch',
    ],
    [
      'submitted',
      { ...away, hold: 'wanted', state: 'pending-held' },
      { type: 'retry' },
      'submitted',
      'pending-held',
      'watch',
    ],
    [
      'submitted',
      { ...away, state: 'pending-held', failures: 900, since: now - 2 * expiryMs },
      { type: 'contact-lost', ...failure } as never,
      'submitted',
      'pending-held',
      'retry',
    ],
    ['receiving', {}, { type: 'cancel', by: 'user' } as never, 'ended', 'canceled', ''],
    ['waiting', {}, { type: 'cancel', by: 'user' } as never, 'ended', 'canceled', ''],
    ['waiting', { unsure: true }, { type: 'cancel', by: 'user' } as never, 'submitting', 'pending', 'find'],
    ['held', {}, { type: 'cancel', by: 'operator' } as never, 'ended', 'canceled', ''],
    ['submitting', {}, { type: 'cancel', by: 'user' } as never, 'submitting', 'pending', 'interrupt'],
    ['submitting', { unsure: true }, { type: 'cancel', by: 'user' } as never, 'submitting', 'pending', ''],
    ['submitted', {}, { type: 'cancel', by: 'user' } as never, 'submitted', 'pending', 'cancel'],
    [
      'submitting',
      { cancelledBy: 'user' },
      { type: 'failed', ...failure, sent: false } as never,
      'ended',
      'canceled',
      '',
    ],
    [
      'submitting',
      { cancelledBy: 'user' },
      { type: 'failed', ...failure, sent: true } as never,
      'submitting',
      'pending',
      'find',
    ],
    ['submitting', { cancelledBy: 'user', unsure: true }, { type: 'absent' }, 'ended', 'canceled', ''],
    [
      'submitting',
      { cancelledBy: 'user', unsure: true },
      { type: 'failed', ...failure, sent: false } as never,
      'ended',
      'canceled',
      '',
    ],
    [
      'submitting',
      { cancelledBy: 'user' },
      { type: 'accepted', report: report('pending') } as never,
      'submitted',
      'pending',
      'cancel watch',
    ],
    ['waiting', {}, { type: 'restarted', documentThere: true } as never, 'waiting', 'pending', ''],
    ['waiting', {}, { type: 'restarted', documentThere: false } as never, 'ended', 'aborted', ''],
    ['submitting', {}, { type: 'restarted', documentThere: true } as never, 'waiting', 'pending', ''],
    ['submitted', {}, { type: 'restarted', documentThere: true } as never, 'submitted', 'pending', 'watch'],
    ['held', {}, { type: 'restarted', documentThere: true } as never, 'held', 'pending-held', ''],
  ];
  test.each(rows)('%s %o, %o: %s, %s, effects "%s"', (...row) => {
    const [from, change, event, to, state, effects] = row;
    const after = step(jobIn(from, change), { ...event, now } as JobEvent);
    expect(after.job).toMatchObject({ phase: to, state });
    expect(names(after.effects)).toBe(effects);
    expect(Job.safeParse(after.job).success).toBe(true);
  });

  test('a crash while submitting makes the destination be asked first', () => {
    const { job } = step(jobIn('submitting'), { type: 'restarted', documentThere: true, now });
    expect(job.unsure).toBe(true);
    expect(names(step(job, { type: 'turn', now }).effects)).toBe('find');
  });

  test('waits 1, 2, 4 … 60 s for a destination that is away, and tells so', () => {
    const waits: number[] = [];
    let job = jobIn('waiting');
    for (let tries = 0; tries < 8; tries++) {
      job = step(job, { type: 'turn', now }).job;
      const failed = step(job, { type: 'failed', ...failure, sent: false, now });
      job = failed.job;
      for (const effect of failed.effects) if (effect.type === 'retry') waits.push(effect.afterMs);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(job).toMatchObject({ state: 'pending', reasons: ['nethood-unreachable'], message: failure.message });
  });

  test('gives up after a day in words that the sender reads; never where it may have been printed', () => {
    const waited = jobIn('submitting', { since: now - expiryMs, failures: 9 });
    const gaveUp = step(waited, { type: 'failed', ...failure, sent: false, now }).job;
    expect(gaveUp).toMatchObject({ state: 'aborted', reasons: ['aborted-by-system', 'nethood-expired'] });
    expect(gaveUp.message).toMatch(/not reached for 24 hours/);
    const doubtful = step({ ...waited, unsure: true }, { type: 'failed', ...failure, sent: false, now }).job;
    expect(doubtful).toMatchObject({ phase: 'held', reasons: ['nethood-may-have-printed'] });
  });

  test('a job that was released after doubt is sent without asking', () => {
    const held = step(jobIn('submitted', { state: 'processing' }), { type: 'vanished', now }).job;
    const released = step(held, { type: 'release', now }).job;
    expect(names(step(released, { type: 'turn', now }).effects)).toBe('submit');
  });

  test.each([
    ['submitted', 'hold'],
    ['submitting', 'hold'],
    ['ended', 'hold'],
    ['submitted', 'release'],
    ['ended', 'release'],
  ] as const)('a person is told that a %s job cannot be asked to %s', (phase, type) => {
    expect(() => step(jobIn(phase), { type, now })).toThrow(expect.objectContaining({ code: 'not-permitted' }));
  });

  test('cancelling what has ended says how it ended', () => {
    expect(() => step(jobIn('ended'), { type: 'cancel', by: 'user', now })).toThrow(/completed/);
  });

  test('pages and words need no place on disk, states do', () => {
    const before = jobIn('submitted', { state: 'processing' });
    const paged = step(before, { type: 'report', report: report('processing', { pagesCompleted: 3 }), now }).job;
    expect(paged.pages).toBe(3);
    expect(mustRecord(before, paged)).toBe(false);
    expect(mustRecord(before, step(before, { type: 'report', report: report('completed'), now }).job)).toBe(true);
  });
});

const anyNumber = fc.oneof(fc.nat(9), fc.constantFrom(-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60));
const anyWords = fc.constantFrom('media-jam', 'none', '', 'x'.repeat(300), 'Zu viel\u001b[2J', 'y'.repeat(70_000));
/** As a neighbour could word it. */
const anyReport = fc
  .record({
    state: fc.constantFrom(...JobState.options),
    pages: anyNumber,
    stateReasons: fc.array(anyWords, { maxLength: 40 }),
    message: anyWords,
    expires: anyNumber,
    gaveUp: fc.boolean(),
  })
  .map(({ state, pages, ...words }) => report(state, { pagesCompleted: pages, pagesTotal: pages, ...words }));
const anyCode = fc.constantFrom(
  'unreachable',
  'interrupted',
  'busy',
  'not-found',
  'internal',
  'bad-document',
  'unsupported',
);
const anyEvent = fc.oneof(
  fc.constantFrom('turn', 'absent', 'vanished', 'retry', 'hold', 'release').map((type) => ({ type })),
  fc.constantFrom('user', 'operator').map((by) => ({ type: 'cancel', by })),
  fc.constant({ type: 'received', document }),
  fc.constant({ type: 'receive-ended', message: 'Late.' }),
  anyReport.map((each) => ({ type: 'report', report: each })),
  anyReport.map((each) => ({ type: 'accepted', report: each })),
  fc
    .record({ code: anyCode, sent: fc.boolean() })
    .map(({ code, sent }) => ({ type: 'failed', message: 'No.', code, sent })),
  anyCode.map((code) => ({ type: 'contact-lost', code, message: 'Gone.' })),
  fc.boolean().map((documentThere) => ({ type: 'restarted', documentThere })),
) as fc.Arbitrary<JobEvent>;

function rankOf(state: JobState): number {
  if (finalJobStates.includes(state)) return 2;
  return state.startsWith('processing') ? 1 : 0;
}

test('whatever happens in whatever order: states move forward, an end is an end, and after a doubt nothing is sent unasked', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
      let job = jobIn('receiving');
      let mayHaveArrived = false;
      for (const [at, event] of events.entries()) {
        let after;
        try {
          after = step(job, { ...event, now: now + at * 1000 });
        } catch {
          continue;
        }
        expect(rankOf(after.job.state)).toBeGreaterThanOrEqual(rankOf(job.state));
        // What the journal could not read again would be a lost job.
        expect(Job.safeParse(after.job).error).toBeUndefined();
        if (job.phase === 'ended') expect(after.job).toEqual(job);
        if (event.type === 'failed' && event.sent && job.phase === 'submitting') mayHaveArrived = true;
        if (event.type === 'restarted' && job.phase === 'submitting') mayHaveArrived = true;
        if (event.type === 'absent' || event.type === 'release') mayHaveArrived = false;
        if (names(after.effects).includes('submit')) expect(mayHaveArrived).toBe(false);
        job = after.job;
      }
    }),
    { numRuns: 2000 },
  );
});

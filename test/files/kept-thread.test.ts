import { afterAll, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { BatchThread } from '../../agent/files/batch-writer.ts';
import { KeptThread } from '../../agent/files/kept-thread.ts';
import { SimClock } from '../sim/clock.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

it('a thread is there while somebody needs it and a minute longer, and then there is another', async () => {
  const clock = new SimClock();
  const kept: BatchThread = scope.use(new KeptThread('batch-thread', clock));
  const thread = kept.use();
  expect(kept.use()).toBe(thread);
  kept.leave();
  await clock.advance(600_000);
  expect(thread.failed).toBe(false);
  kept.leave();
  await clock.advance(59_000);
  expect(kept.use()).toBe(thread);
  kept.leave();
  await clock.advance(61_000);
  await expect.poll(() => thread.failed).toBe(true);
  expect(kept.use()).not.toBe(thread);
});

it('one that has ended by itself is not used again', async () => {
  const kept: BatchThread = scope.use(new KeptThread('batch-thread', new SimClock()));
  const thread = kept.use();
  kept.leave();
  await thread[Symbol.asyncDispose]();
  await expect.poll(() => thread.failed).toBe(true);
  expect(kept.use()).not.toBe(thread);
});

/** The thread of a BatchWriter. */
import { parentPort } from 'node:worker_threads';
import type { Answered, Asked } from './file-thread.ts';
import { type BatchAnswer, type BatchAsk, writeBatch } from './write-batch.ts';

// What it throws ends the thread, which whoever asked is told: a file's own trouble is part of the answer.
parentPort?.on('message', ({ id, ask }: Asked<BatchAsk>) => void answer(id, ask));

async function answer(id: number, ask: BatchAsk): Promise<void> {
  const faults = await writeBatch(ask);
  const message: Answered<BatchAnswer> = { id, answer: { faults, content: ask.content } };
  parentPort?.postMessage(message, [ask.content]);
}

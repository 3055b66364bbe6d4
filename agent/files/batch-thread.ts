/** The thread for small files by the thousand: a BatchWriter's, and that of `filesOf`. */
import { parentPort } from 'node:worker_threads';
import type { Answered, Asked } from './file-thread.ts';
import { type ReadAnswer, type ReadAsk, readBatch } from './read-batch.ts';
import { type BatchAnswer, type BatchAsk, writeBatch } from './write-batch.ts';

// What it throws ends the thread, which whoever asked is told: a file's own trouble is part of the answer.
parentPort?.on('message', ({ id, ask }: Asked<BatchAsk | ReadAsk>) => void answer(id, ask));

async function answer(id: number, ask: BatchAsk | ReadAsk): Promise<void> {
  const done = 'staging' in ask ? { faults: await writeBatch(ask), content: ask.content } : readBatch(ask);
  const message: Answered<BatchAnswer | ReadAnswer> = { id, answer: done };
  parentPort?.postMessage(message, [done.content]);
}

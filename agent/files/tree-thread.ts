/** The thread that reads a folder for a neighbour. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Answered, Asked } from './file-thread.ts';
import { type Filled, TreeReader, type TreeStart, type TreeTotals } from './read-tree.ts';

/** A buffer to fill, and what else is to be told. */
export interface TreeAsk {
  readonly buffer: ArrayBuffer;
  readonly totals: TreeTotals | undefined;
}

export interface TreeAnswer extends Partial<Filled> {
  readonly buffer: ArrayBuffer;
  /** What the system says of the folder itself. */
  readonly errno?: string;
}

let reader: TreeReader | undefined;

parentPort?.on('message', ({ id, ask: { buffer, totals } }: Asked<TreeAsk>) => {
  const message: Answered<TreeAnswer> = { id, answer: { buffer, ...filled(buffer, totals) } };
  parentPort?.postMessage(message, [buffer]);
});

function filled(buffer: ArrayBuffer, totals: TreeTotals | undefined): Filled | { errno: string } {
  try {
    reader ??= new TreeReader(workerData as TreeStart);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { errno: code };
  }
  if (totals !== undefined) reader.totals = totals;
  const answer = reader.fill(Buffer.from(buffer));
  if (answer.done) reader.close();
  return answer;
}

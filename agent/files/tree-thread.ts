/** The thread that reads a folder for a neighbour. */
import { parentPort } from 'node:worker_threads';
import type { Answered, Asked } from './file-thread.ts';
import { type Filled, TreeReader, type TreeStart, type TreeTotals } from './read-tree.ts';

/** A buffer to fill, and what else is to be told. */
export interface TreeAsk {
  /** With the first buffer. */
  readonly start: TreeStart | undefined;
  readonly buffer: ArrayBuffer;
  readonly totals: TreeTotals | undefined;
}

export interface TreeAnswer extends Partial<Filled> {
  readonly buffer: ArrayBuffer;
  /** What the system says of the folder itself. */
  readonly errno?: string;
}

let reader: TreeReader | undefined;

parentPort?.on('message', ({ id, ask: { start, buffer, totals } }: Asked<TreeAsk>) => {
  const errno = start === undefined ? undefined : begin(start);
  const answer = errno === undefined ? filled(buffer, totals) : { errno };
  const message: Answered<TreeAnswer> = { id, answer: { buffer, ...answer } };
  parentPort?.postMessage(message, [buffer]);
});

/** Gives what the system says where that cannot be. */
function begin(start: TreeStart): string | undefined {
  try {
    reader = new TreeReader(start);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code;
  }
}

function filled(buffer: ArrayBuffer, totals: TreeTotals | undefined): Filled {
  if (reader === undefined) throw new Error('No folder was begun.');
  if (totals !== undefined) reader.totals = totals;
  const answer = reader.fill(Buffer.from(buffer));
  if (answer.done) {
    reader.close();
    reader = undefined;
  }
  return answer;
}

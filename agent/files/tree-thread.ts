/** The thread that reads a folder for a neighbour. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Answered, Asked } from './file-thread.ts';
import { type Filled, TreeReader, type TreeStart } from './read-tree.ts';

/** What is asked for is a buffer to fill. */
export interface TreeAnswer extends Partial<Filled> {
  readonly buffer: ArrayBuffer;
  /** What the system says of the folder itself. */
  readonly errno?: string;
}

let reader: TreeReader | undefined;

parentPort?.on('message', ({ id, ask: buffer }: Asked<ArrayBuffer>) => {
  const message: Answered<TreeAnswer> = { id, answer: { buffer, ...filled(buffer) } };
  parentPort?.postMessage(message, [buffer]);
});

function filled(buffer: ArrayBuffer): Filled | { errno: string } {
  try {
    reader ??= new TreeReader(workerData as TreeStart);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { errno: code };
  }
  const { bytes, done } = reader.fill(Buffer.from(buffer));
  if (done) reader.close();
  return { bytes, done };
}

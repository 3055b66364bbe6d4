/** The thread that counts a folder. */
import { parentPort, workerData } from 'node:worker_threads';
import { countTree } from './count-tree.ts';
import type { Answered, Asked } from './file-thread.ts';
import type { TreeStart, TreeTotals } from './read-tree.ts';

parentPort?.on('message', ({ id }: Asked<undefined>) => {
  const message: Answered<TreeTotals | undefined> = { id, answer: countTree(workerData as TreeStart) };
  parentPort?.postMessage(message, []);
});

/** The thread that reads a folder for a neighbour, and counts it between two buffers where that was asked for. */
import { parentPort } from 'node:worker_threads';
import { countTree } from './count-tree.ts';
import type { Answered, Asked } from './file-thread.ts';
import { type Filled, TreeReader, type TreeStart } from './read-tree.ts';

/** A buffer to fill. */
export interface TreeAsk {
  /** With the first buffer. */
  readonly start: TreeStart | undefined;
  readonly buffer: ArrayBuffer;
  /** What comes in all is to be told, when it is known. */
  readonly count: boolean;
}

/** Of counting, at a time: who wants a buffer filled waits no longer. */
const sliceMs = 1;

export interface TreeAnswer extends Partial<Filled> {
  readonly buffer: ArrayBuffer;
  /** What the system says of the folder itself. */
  readonly errno?: string;
}

let started: TreeStart | undefined;
let reader: TreeReader | undefined;
let counting: ReturnType<typeof countTree> | undefined;

parentPort?.on('message', ({ id, ask: { start, buffer, count } }: Asked<TreeAsk>) => {
  const errno = start === undefined ? undefined : begin(start);
  const answer = errno === undefined ? filled(buffer, count) : { errno };
  const message: Answered<TreeAnswer> = { id, answer: { buffer, ...answer } };
  parentPort?.postMessage(message, [buffer]);
});

/** Gives what the system says where that cannot be. */
function begin(start: TreeStart): string | undefined {
  try {
    reader = new TreeReader(start);
    started = start;
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code;
  }
}

function filled(buffer: ArrayBuffer, count: boolean): Filled {
  if (reader === undefined) throw new Error('No folder was begun.');
  if (count && started !== undefined) beginCount(started);
  const answer = reader.fill(Buffer.from(buffer));
  if (answer.done) {
    reader.close();
    // What it holds open is closed.
    counting?.return(undefined);
    [reader, started, counting] = [undefined, undefined, undefined];
  }
  return answer;
}

/** Once for each folder. */
function beginCount(start: TreeStart): void {
  started = undefined;
  counting = countTree(start);
  setImmediate(countOn);
}

function countOn(): void {
  const until = performance.now() + sliceMs;
  while (counting !== undefined) {
    const { done, value } = counted(counting);
    if (done !== true && performance.now() < until) continue;
    if (done !== true) return void setImmediate(countOn);
    counting = undefined;
    if (reader !== undefined && value !== undefined) reader.totals = value;
  }
}

/** Where it fails there are no totals: less is shown, and nothing else. */
function counted(count: NonNullable<typeof counting>): ReturnType<typeof count.next> {
  try {
    return count.next();
  } catch {
    return { done: true, value: undefined };
  }
}

/**
 * V8 collects young objects when their part of the heap is full, and weighs a buffer by the few words that it takes there, not
 * by the memory behind it: of a stream of a gibibyte some 60 MB of buffers wait that nobody uses any more. Whoever streams
 * much says so now and then; with a small young heap a collection takes less than a millisecond.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const everyBytes = 8 * 2 ** 20;

type Collect = (what: { type: 'minor' }) => void;
let collect: Collect | undefined;
let passed = 0;

/** So many bytes went through buffers that are not used any more. */
export function buffersPassed(bytes: number): void {
  passed += bytes;
  if (passed < everyBytes) return;
  passed = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

/** The function of `node --expose-gc`, which a context made under that flag has. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const found = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return found;
}

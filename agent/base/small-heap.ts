/**
 * V8 trades memory for time more freely than an agent should that is there all day. Two of its limits are read each time
 * that the heap would grow, so they can be set from within:
 *
 * - The part that new objects go to (two semi-spaces) stays as small as it is. What loading leaves would let it grow to
 *   2 × 16 MiB, and it is cleared only when full: an idle agent keeps that for many minutes, and of the buffers through
 *   which a transfer goes up to 64 MiB wait there, in use by nobody.
 * - The rest grows by four fifths, where V8 lets a small heap grow to four times what was in use. Half of that already costs:
 *   collections of the whole heap while large files come.
 */
import { setFlagsFromString } from 'node:v8';

export function keepHeapSmall(): void {
  keepYoungHeapSmall();
  setFlagsFromString('--heap-growing-percent=80');
  // Whenever a heap is made, and each thread has its own, V8 sets a factor below 2 back to 2, for all heaps of the process.
  // Nobody tells when that is, only when the thread runs, which may be a tenth of a second later.
  process.on('worker', (worker) => {
    const timer = setInterval(keepYoungHeapSmall, 1).unref();
    const begun = (): void => {
      clearInterval(timer);
      keepYoungHeapSmall();
    };
    worker.once('online', begun).once('exit', begun);
  });
}

function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

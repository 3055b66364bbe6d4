/**
 * Keeps the part of V8's heap that new objects go to (two semi-spaces) as small as it is. What loading leaves would let it
 * grow to 2 × 16 MiB, and it is cleared only when full: an idle agent keeps that for many minutes, and of the buffers through
 * which a transfer goes up to 64 MiB wait there, in use by nobody. The factor is read each time that the space would grow;
 * its limits are read once, when the heap is made.
 */
import { setFlagsFromString } from 'node:v8';

export function keepYoungHeapSmall(): void {
  stopGrowth();
  // Whenever a heap is made, and each thread has its own, V8 sets a factor below 2 back to 2, for all heaps of the process.
  process.on('worker', (worker) => worker.once('online', stopGrowth));
}

function stopGrowth(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

import { expect, test } from 'vitest';
import { buffersPassed } from '../../agent/base/collect-buffers.ts';

test('buffers that nobody uses any more do not pile up', () => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let at = 0; at < 1024; at++) {
    Buffer.allocUnsafeSlow(1 << 19).fill(at);
    buffersPassed(1 << 19);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  // V8 by itself lets some 60 MiB wait.
  expect(most).toBeLessThan(32 << 20);
});

/**
 * Loaded before an agent (`node --import`) it makes its disk slow, as an old stick is: whatever reads or writes much of a file
 * takes long. What an agent keeps of its own is small, and goes as ever.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const much = 64 << 10;
/** Milliseconds of a call; several writes are under way at a time. */
const slowMs = { read: 150, write: 500 };

/** Of a descriptor, a buffer, an offset, a length, and more. */
type Call = (...args: [number, NodeJS.ArrayBufferView, number, number, ...unknown[]]) => void;

for (const name of ['read', 'write'] as const) {
  const call = fs[name] as Call;
  const slow: Call = (...args) => {
    if (args[3] < much) call(...args);
    else setTimeout(() => call(...args), slowMs[name]);
  };
  // What `promisify` needs to know of them.
  for (const symbol of Object.getOwnPropertySymbols(call))
    Object.defineProperty(slow, symbol, { value: call[symbol as keyof Call] });
  Object.assign(fs, { [name]: slow });
}
syncBuiltinESMExports();

/** A document on its way out of the spool. Each piece has a buffer of its own, which nobody uses any more once it is sent. */
import { close, createReadStream, open, read } from 'node:fs';
import type { Readable } from 'node:stream';
import { buffersPassed } from '../base/collect-buffers.ts';

const pieceBytes = 256 * 1024;

export function documentStream(path: string): Readable {
  return createReadStream(path, { highWaterMark: pieceBytes, fs: { open, close, read: readTelling } });
}

type Done = (error: NodeJS.ErrnoException | null, bytes: number, buffer: Buffer) => void;

function readTelling(
  ...[file, buffer, offset, length, position, done]: [number, Buffer, number, number, number, Done]
): void {
  read(file, buffer, offset, length, position, (error, bytes, same) => {
    if (error === null) buffersPassed(bytes);
    done(error, bytes, same);
  });
}

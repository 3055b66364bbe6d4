/** `POST …/held/<path>`: of the part of an upload, if there is one, a digest for each block of it. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NethoodError } from '../../protocol/errors.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { heldBlock, heldDigest, RunHeaders } from './put-format.ts';
import { closeAtOnce, openFd, openFlags, readFd } from './raw-files.ts';
import type { Reception } from './receive-part.ts';

export async function tellHeld({ uploads, tree, share, path }: Reception, exchange: HttpExchange): Promise<void> {
  const { request, response } = exchange;
  const headers = RunHeaders.safeParse(request.headers);
  if (!headers.success) throw new NethoodError('bad-request', 'It is not said which run of a put asks.');
  const key = uploads.keyOf(exchange.asker, share, path);
  const run = { run: headers.data['nethood-run'], signal: exchange.signal };
  await uploads.alone(key, run, (signal) =>
    tree.spots.hold(path, async (spot) => {
      const held = await uploads.held(key, spot);
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'nethood-held': held });
      // No faster than they are taken: of a part that is all holes they are many.
      if (held > 0)
        await pipeline(Readable.from(digestsOf(uploads.partOf(key, spot), held, signal)), response, { signal });
      else response.end();
    }),
  );
}

async function* digestsOf(part: Buffer, held: number, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const fd = await openFd(part, openFlags.read);
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(heldBlock, held));
    for (let at = 0; at < held;) {
      signal.throwIfAborted();
      const wanted = Math.min(heldBlock, held - at);
      const filled = await readBlock(fd, buffer.subarray(0, wanted), at);
      if (!filled) return;
      yield heldDigest(buffer.subarray(0, wanted));
      at += wanted;
    }
  } finally {
    closeAtOnce(fd);
  }
}

/** False where the file has become shorter. */
async function readBlock(fd: number, buffer: Buffer, position: number): Promise<boolean> {
  for (let at = 0; at < buffer.length;) {
    const { bytesRead } = await readFd(fd, buffer, at, buffer.length - at, position + at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}

/**
 * Pours a file into an HTTP answer out of a few buffers that are used again and again: memory taken anew for each piece
 * is given back only by garbage collections, and those cost more than the sending.
 */
import type { ServerResponse } from 'node:http';
import { blockBytes } from './block-digest.ts';
import { headBytes } from './block-frames.ts';
import type { EndTurn } from './fair-turns.ts';
import type { FilePieces } from './file-pieces.ts';
import { nextBlock } from './next-block.ts';
import { Outlet } from './outlet.ts';
import type { OwnLoad } from './own-load.ts';
import { paceBytes, type RateLimit } from './rate-limit.ts';

/** One is being sent while the other is read. With a third the socket would hold two, and copy them into one. */
const buffersOfSending = 2;
/** Among many bodies under way: the socket copies what it cannot send at once, and readers that stand still must not cost much. */
const crowdedPiece = 256 << 10;
const crowdedSlice = 64 << 10;

export interface Sending {
  readonly pieces: FilePieces;
  readonly response: ServerResponse;
  readonly limit: RateLimit;
  readonly load: OwnLoad;
  /** Whether many bodies are under way. */
  readonly crowded: () => boolean;
  /** Waits until the asker may have another block on its way. */
  readonly turn: () => Promise<EndTurn>;
  readonly signal: AbortSignal;
}

/** The file's bytes as they are. Kept when the connection has taken all. @throws `changed`, what the disk says, `interrupted`, or the signal's reason */
export async function sendPieces(sending: Sending): Promise<void> {
  const { pieces } = sending;
  const size = Math.min(sending.crowded() ? crowdedPiece : blockBytes, pieces.left);
  await pour(sending, size, (buffer) => pieces.read(buffer));
}

/** As blocks with heads (`block-frames.ts`); with `sparse` those of zeros by their heads alone. Throws as `sendPieces`. */
export async function sendBlocks(sending: Sending, { sparse }: { sparse: boolean }): Promise<void> {
  const { pieces, load } = sending;
  const size = Math.min(blockBytes, pieces.left) + headBytes;
  await pour(sending, size, (buffer) => nextBlock(pieces, buffer, { sparse, load: () => load.now }));
}

/** @param fill puts the next bytes into the buffer, and says how many; 0 at the end */
async function pour(sending: Sending, size: number, fill: (buffer: Buffer) => Promise<number>): Promise<void> {
  const { response, load, signal, turn } = sending;
  using outlet = new Outlet(response, signal);
  const buffers = sending.crowded() ? 1 : buffersOfSending;
  for (let made = 0; ; made++) {
    const buffer = made < buffers ? Buffer.allocUnsafeSlow(size) : await load.waiting('wire', outlet.free());
    const endTurn = await turn();
    const bytes = await filled(outlet, load, fill(buffer));
    if (bytes === 0) {
      endTurn();
      break;
    }
    await send(sending, outlet, { buffer, bytes, endTurn });
  }
  await outlet.end();
}

/** While all that was read is sent, it is the disk that is waited for. */
async function filled(outlet: Outlet, load: OwnLoad, filling: Promise<number>): Promise<number> {
  let waits = true;
  outlet.taken().then(
    () => load.turn('disk', waits),
    () => undefined, // It is told by the next that is sent.
  );
  try {
    return await filling;
  } finally {
    waits = false;
    load.turn('disk', false);
  }
}

async function send(
  { limit, load, signal, crowded }: Sending,
  outlet: Outlet,
  { buffer, bytes, endTurn }: { buffer: Buffer; bytes: number; endTurn: EndTurn },
): Promise<void> {
  const narrow = crowded();
  const slice = narrow ? crowdedSlice : limit.active ? paceBytes : bytes;
  for (let start = 0; start < bytes;) {
    const end = Math.min(bytes, start + slice);
    const last = end === bytes;
    outlet.send(buffer, { start, end, ...(last ? { taken: endTurn } : {}) });
    if (narrow) await load.waiting('wire', outlet.taken());
    if (limit.active) await load.waiting('setting', limit.pace(end - start, signal));
    start = end;
  }
}

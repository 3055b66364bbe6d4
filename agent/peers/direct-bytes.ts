/**
 * The bytes of a long answer straight from the socket. Node makes a new buffer of each 16 KiB record, and its HTTP
 * parser another one; at a gibibyte a second their collection takes more time than the transfer. Sockets that we dial
 * read into one buffer of ours instead: streams get copies, a direct taker looks at it where it is.
 */
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

/** A TLS record (RFC 8446 5.1): Node hands on one at a time. */
const longestRecord = 16 << 10;

/** Must copy what it wants to keep. */
export type TakeBytes = (bytes: Buffer) => void;

const readers = new WeakMap<Duplex, SocketReader>();
/** One for all: it is read out before the next record of any socket is put into it. */
const shared = Buffer.allocUnsafeSlow(longestRecord);

class SocketReader {
  take: TakeBytes | undefined;
  socket: Duplex | undefined;

  readonly read = (count: number): boolean => {
    const bytes = shared.subarray(0, count);
    if (this.take === undefined) return this.socket?.push(Buffer.from(bytes)) ?? false;
    this.take(bytes);
    return true;
  };
}

/** Connects with what `dial` does, by a socket whose bytes can be taken directly. */
export function withDirectBytes(dial: (options: ConnectionOptions) => TLSSocket): TLSSocket {
  const reader = new SocketReader();
  const socket = dial({ onread: { buffer: shared, callback: reader.read } } as ConnectionOptions);
  reader.socket = socket;
  readers.set(socket, reader);
  return socket;
}

/**
 * From now on all that the socket receives goes to `take`, and nothing to its stream, which must be empty. For good:
 * whoever read the stream knows nothing of these bytes. False where the socket cannot do so.
 */
export function takeDirectly(socket: Duplex, take: TakeBytes): boolean {
  const reader = readers.get(socket);
  if (reader === undefined || socket.readableLength > 0) return false;
  reader.take = take;
  socket.resume();
  return true;
}

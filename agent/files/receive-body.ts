import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { deadlines } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import { takeDirectly } from '../peers/direct-bytes.ts';
import type { PartFile } from './part-file.ts';
import { connectionError } from './peer-http.ts';

/** A direct transfer costs its connection, as nobody else knows where in the stream it ended. */
const leastDirect = 16 << 20;

export interface ReceiveDeps {
  /** Bytes that the body has. */
  readonly length: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Who sends, for messages. */
  readonly name: string;
  readonly received: (bytes: number) => void;
}

/**
 * Pours a body into a file, no faster than the disk takes it. Ends when all that Content-Length promised was taken.
 * @throws `interrupted`, `timeout` (stalled), or what the disk says
 */
export function receiveBody(response: IncomingMessage, part: PartFile, deps: ReceiveDeps): Promise<void> {
  return new Promise((resolve, reject) => {
    const reception = new Reception(response, part, deps, (error) => (error === undefined ? resolve() : reject(error)));
    reception.begin();
  });
}

/** On events rather than a loop: TLS gives 16 KiB at a time, and a promise for each costs a tenth of the speed. */
class Reception {
  readonly #response: IncomingMessage;
  readonly #part: PartFile;
  readonly #deps: ReceiveDeps;
  readonly #ended: (error?: Error) => void;
  #lastByte: number;
  /** Bytes still to come. */
  #left: number;
  /** What is held back while the disk is slow. */
  #source: Pick<Readable, 'pause' | 'resume'>;
  #waitsForDisk = false;
  #over = false;
  #timer: Disposable | undefined;

  constructor(response: IncomingMessage, part: PartFile, deps: ReceiveDeps, ended: (error?: Error) => void) {
    this.#response = response;
    this.#source = response;
    this.#left = deps.length;
    this.#part = part;
    this.#deps = deps;
    this.#ended = ended;
    this.#lastByte = deps.clock.now();
  }

  begin(): void {
    const { signal } = this.#deps;
    this.#response.on('end', this.#whole).on('close', this.#cut).on('error', this.#broken);
    if (!this.#takesDirectly()) this.#response.on('data', this.#take);
    signal.addEventListener('abort', this.#stop, { once: true });
    this.#look();
    if (signal.aborted) this.#stop();
    // Its `close` may have been before anybody listened.
    else if (this.#response.destroyed) this.#cut();
  }

  /** Past the HTTP parser, once it has given all that it and the socket held. */
  #takesDirectly(): boolean {
    const { socket } = this.#response;
    if (this.#left < leastDirect) return false;
    for (let held = this.#heldBytes(); held > 0; held = this.#heldBytes()) {
      // Its listener is the parser.
      socket.read();
      for (let bytes = this.#read(); bytes !== null; bytes = this.#read()) this.#take(bytes);
      // What is broken gives nothing any more.
      if (this.#heldBytes() >= held) return false;
    }
    if (!takeDirectly(socket, this.#takeDirect)) return false;
    this.#source = socket;
    return true;
  }

  #heldBytes(): number {
    return this.#response.readableLength + this.#response.socket.readableLength;
  }

  #read(): Buffer | null {
    return this.#response.read() as Buffer | null;
  }

  readonly #takeDirect = (bytes: Buffer): void => {
    // A record or two may follow a `destroy`, when the file is closed and its descriptor another's.
    if (this.#over) return;
    if (bytes.length > this.#left) {
      this.#end(new NethoodError('bad-message', `${this.#deps.name} sent more than it had said.`));
      return;
    }
    this.#take(bytes);
    if (this.#left === 0) this.#end();
  };

  readonly #take = (bytes: Buffer): void => {
    this.#left -= bytes.length;
    this.#lastByte = this.#deps.clock.now();
    this.#part.add(bytes);
    this.#deps.received(bytes.length);
    if (!this.#part.full) return;
    this.#waitsForDisk = true;
    this.#source.pause();
    this.#part.room().then(this.#goOn, this.#broken);
  };

  readonly #goOn = (): void => {
    this.#waitsForDisk = false;
    this.#lastByte = this.#deps.clock.now();
    this.#source.resume();
  };

  readonly #whole = (): void => {
    this.#end(this.#response.complete ? undefined : connectionError(undefined, this.#deps.name));
  };

  readonly #cut = (): void => this.#end(connectionError(this.#response.errored, this.#deps.name));

  readonly #broken = (error: unknown): void => this.#end(connectionError(error, this.#deps.name));

  readonly #stop = (): void => this.#end(this.#deps.signal.reason as Error);

  /** While the disk is the slow one, the neighbour may be as silent as it likes. */
  readonly #look = (): void => {
    const { clock, name } = this.#deps;
    const silent = this.#waitsForDisk ? 0 : clock.now() - this.#lastByte;
    if (silent >= deadlines.stall) this.#end(new NethoodError('timeout', `${name} sent no byte for a minute.`));
    else this.#timer = clock.timer(deadlines.stall - silent, this.#look);
  };

  #end(error?: Error): void {
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    this.#deps.signal.removeEventListener('abort', this.#stop);
    // `error` stays listened to: a late one of the socket has nothing left to tell, and must not end the process.
    this.#response.off('data', this.#take).off('end', this.#whole).off('close', this.#cut);
    if (error !== undefined) this.#response.destroy();
    this.#ended(error);
  }
}

import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { deadlines } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import { takeDirectly } from '../peers/direct-bytes.ts';
import { connectionError } from './peer-http.ts';
import { paceBytes, type RateLimit } from './rate-limit.ts';

/** A direct transfer costs its connection, as nobody else knows where in the stream it ended. */
const leastDirect = 16 << 20;

/** Where a body goes. */
export interface BodySink {
  /** Bytes of the file so far. */
  readonly length: number;
  /** No more should be added before `room`. */
  readonly full: boolean;
  /** Whether the body has told that it is over; undefined where only its length tells. */
  readonly ended?: boolean;
  /** Must copy what it keeps. @throws what makes the body of no use */
  add(bytes: Buffer): void;
  room(): Promise<void>;
}

export interface ReceiveDeps {
  /** Bytes that the body has; undefined where its end will tell. */
  readonly length: number | undefined;
  readonly limit: RateLimit;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Who sends, for messages. */
  readonly name: string;
  /** Bytes of the file. */
  readonly received: (bytes: number) => void;
  /** Milliseconds in which no more was taken. */
  readonly waited: (what: 'disk' | 'setting', ms: number) => void;
}

/**
 * Pours a body into a file, no faster than the disk takes it. Ends when all that Content-Length promised was taken.
 * @throws `interrupted`, `timeout` (stalled), or what the sink says
 */
export function receiveBody(response: IncomingMessage, sink: BodySink, deps: ReceiveDeps): Promise<void> {
  return new Promise((resolve, reject) => {
    const reception = new Reception(response, sink, deps, (error) => (error === undefined ? resolve() : reject(error)));
    reception.begin();
  });
}

/** On events rather than a loop: TLS gives 16 KiB at a time, and a promise for each costs a tenth of the speed. */
class Reception {
  readonly #response: IncomingMessage;
  readonly #sink: BodySink;
  readonly #deps: ReceiveDeps;
  readonly #ended: (error?: Error) => void;
  #lastByte: number;
  /** Bytes still to come. */
  #left: number;
  /** What is held back while the disk is slow. */
  #source: Pick<Readable, 'pause' | 'resume'>;
  /** Why nothing is taken now, and since when. */
  readonly #held = new Map<'disk' | 'setting', number>();
  /** Bytes that the user's limit does not know of yet. */
  #unpaced = 0;
  #over = false;
  #timer: Disposable | undefined;
  /** Whose bytes come past HTTP. */
  #direct: Readable | undefined;

  constructor(response: IncomingMessage, sink: BodySink, deps: ReceiveDeps, ended: (error?: Error) => void) {
    this.#response = response;
    this.#source = response;
    this.#left = deps.length ?? Number.POSITIVE_INFINITY;
    this.#sink = sink;
    this.#deps = deps;
    this.#ended = ended;
    this.#lastByte = deps.clock.now();
  }

  begin(): void {
    const { signal } = this.#deps;
    this.#response.on('end', this.#whole).on('close', this.#cut).on('error', this.#broken);
    signal.addEventListener('abort', this.#stop, { once: true });
    this.#look();
    if (!this.#takesDirectly()) this.#response.on('data', this.#take);
    if (signal.aborted) this.#stop();
    // A short one came together with its head.
    else if (this.#isWhole) this.#end();
    // Its `close` may have been before anybody listened.
    else if (this.#response.destroyed) this.#cut();
  }

  get #isWhole(): boolean {
    return this.#left === 0 || this.#sink.ended === true;
  }

  /** Past the HTTP parser, once it has given all that it and the socket held. */
  #takesDirectly(): boolean {
    const { socket } = this.#response;
    const endless = this.#left === Number.POSITIVE_INFINITY && this.#sink.ended === undefined;
    if (this.#left < leastDirect || endless) return false;
    for (let held = this.#heldBytes(); held > 0; held = this.#heldBytes()) {
      // Its listener is the parser.
      socket.read();
      for (let bytes = this.#read(); bytes !== null; bytes = this.#read()) this.#take(bytes);
      // What is broken gives nothing any more.
      if (this.#heldBytes() >= held) return false;
    }
    if (socket.destroyed || !takeDirectly(socket, this.#takeDirect)) return false;
    this.#source = socket;
    this.#direct = socket;
    // An answer without a length is over for HTTP when its connection is, and would tell only who reads it.
    socket.on('close', this.#cut);
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
    if (this.#isWhole) this.#end();
  };

  readonly #take = (bytes: Buffer): void => {
    this.#left -= bytes.length;
    this.#lastByte = this.#deps.clock.now();
    const before = this.#sink.length;
    try {
      this.#sink.add(bytes);
    } catch (error) {
      this.#broken(error);
      return;
    }
    this.#deps.received(this.#sink.length - before);
    if (this.#sink.full) this.#hold('disk', this.#sink.room());
    this.#pace(bytes.length);
  };

  #pace(bytes: number): void {
    this.#unpaced += bytes;
    if (!this.#deps.limit.active || this.#unpaced < paceBytes) return;
    this.#hold('setting', this.#deps.limit.pace(this.#unpaced, this.#deps.signal));
    this.#unpaced = 0;
  }

  #hold(why: 'disk' | 'setting', until: Promise<unknown>): void {
    // A record or two may come after a pause.
    if (!this.#held.has(why)) this.#held.set(why, this.#deps.clock.now());
    this.#source.pause();
    until.then(() => this.#goOn(why), this.#broken);
  }

  #goOn(why: 'disk' | 'setting'): void {
    const since = this.#held.get(why);
    if (since === undefined || this.#over) return;
    this.#held.delete(why);
    this.#lastByte = this.#deps.clock.now();
    this.#deps.waited(why, this.#lastByte - since);
    if (this.#held.size === 0) this.#source.resume();
  }

  readonly #whole = (): void => {
    this.#end(this.#response.complete ? undefined : connectionError(undefined, this.#deps.name));
  };

  readonly #cut = (): void => this.#end(connectionError(this.#response.errored, this.#deps.name));

  readonly #broken = (error: unknown): void => this.#end(connectionError(error, this.#deps.name));

  readonly #stop = (): void => this.#end(this.#deps.signal.reason as Error);

  /** While we are the slow ones, the neighbour may be as silent as it likes. */
  readonly #look = (): void => {
    const { clock, name } = this.#deps;
    const silent = this.#held.size > 0 ? 0 : clock.now() - this.#lastByte;
    if (silent >= deadlines.stall) this.#end(new NethoodError('timeout', `${name} sent no byte for a minute.`));
    else this.#timer = clock.timer(deadlines.stall - silent, this.#look);
  };

  #end(error?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    this.#deps.signal.removeEventListener('abort', this.#stop);
    // `error` stays listened to: a late one of the socket has nothing left to tell, and must not end the process.
    this.#response.off('data', this.#take).off('end', this.#whole).off('close', this.#cut);
    this.#direct?.off('close', this.#cut);
    if (error !== undefined) this.#response.destroy();
    this.#ended(error);
  }
}

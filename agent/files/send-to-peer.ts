/** Sends a body to a neighbour's `/files/`, no faster than it is taken. */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import { deadlines } from '../../protocol/peer.ts';
import { connectionError, errorOf, type PeerHttp, peerName, requestTo } from './peer-http.ts';
import type { SideLoad } from './block-frames.ts';
import { loadHeader, mostUntold, parseLoad, toldBytes } from './put-format.ts';

/** Kept when the bytes are taken, and their memory is free again. One call at a time. @param counted of `mostUntold`; default: their number */
export type WriteBytes = (bytes: Buffer, counted?: number) => Promise<void>;

export interface PeerUpload {
  readonly method?: 'POST' | 'PUT';
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  /** Gives the body piece by piece; what it throws breaks the request, so that a part never looks whole. */
  readonly send: (write: WriteBytes) => Promise<void>;
  /** Told of what the neighbour waits for, where it says so. */
  readonly heard?: (load: SideLoad) => void;
  readonly signal: AbortSignal;
}

/** The answer to the whole body; its own is the caller's. @throws NethoodError of the neighbour or of `send`, `interrupted`, `timeout` */
export async function sendToPeer(peer: PeerHttp, upload: PeerUpload): Promise<IncomingMessage> {
  upload.signal.throwIfAborted();
  const { method = 'POST' } = upload;
  using sending = new Sending(peer, await requestTo(peer, { ...upload, method }), upload);
  let whole = false;
  try {
    await upload.send((bytes, counted) => sending.write(bytes, counted));
    sending.end();
    whole = true;
  } catch (error) {
    // A refusal that comes in the middle says more than the write that it stops.
    if (!sending.over) throw error;
  }
  const response = await sending.response;
  if ((response.statusCode ?? 500) >= 400) throw await errorOf(response, peerName(peer));
  if (whole) return response;
  throw new NethoodError('bad-message', `${peerName(peer)} answered before it had all.`);
}

class Sending implements Disposable {
  readonly response: Promise<IncomingMessage>;
  readonly #peer: PeerHttp;
  readonly #request: ClientRequest;
  /** Of the write under way. */
  #refuse: (error: Error) => void = () => undefined;
  #timer: Disposable | undefined;
  #over = false;
  #answered = false;
  /** Bytes that are not known to be in a file there; undefined where that is not told. */
  #untold: number | undefined;
  #roomy: () => void = () => undefined;
  #ended = false;

  constructor(peer: PeerHttp, request: ClientRequest, { signal, heard }: PeerUpload) {
    this.#peer = peer;
    this.#request = request;
    if (this.#request.hasHeader('nethood-tell')) this.#untold = 0;
    // Said now and then while a disk there is slow (102, RFC 2518 10.1).
    this.#request.on('information', ({ headers }) => {
      this.#wait();
      const load = parseLoad(headers[loadHeader]);
      if (load === undefined) this.#told();
      else heard?.(load);
    });
    this.response = new Promise((resolve, reject) => {
      this.#request.on('error', (error) => {
        reject(signal.aborted ? (signal.reason as Error) : connectionError(error, peerName(peer)));
        this.#stop();
      });
      this.#request.once('response', (response) => {
        this.#answered = true;
        resolve(response);
        // Who takes it may have the last byte, and answer, before we know that it was written.
        if ((response.statusCode ?? 500) >= 400) this.#stop();
      });
    });
    // Whoever still sends hears of it by `write` first.
    this.response.catch(() => undefined);
    this.#wait();
  }

  /** It was refused, or has failed: nothing more is taken. */
  get over(): boolean {
    return this.#over;
  }

  async write(bytes: Buffer, counted = bytes.length): Promise<void> {
    if (this.#untold !== undefined) {
      if (this.#untold >= mostUntold) await this.#room();
      this.#untold += counted;
    }
    await this.#write(bytes);
  }

  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#over) reject(nobodyListens());
      this.#refuse = reject;
      this.#request.write(bytes, (error) => {
        if (!this.#over) this.#wait();
        if (error) reject(error);
        else resolve();
      });
    });
  }

  #room(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#over) reject(nobodyListens());
      this.#refuse = reject;
      this.#roomy = resolve;
    });
  }

  #told(): void {
    if (this.#untold === undefined) return;
    this.#untold -= toldBytes;
    if (this.#untold < mostUntold) this.#roomy();
  }

  end(): void {
    this.#ended = true;
    if (!this.#over) this.#request.end();
  }

  /** A request that did not come to its end takes its connection along. */
  [Symbol.dispose](): void {
    this.#stop();
    if (!this.#answered || !this.#ended) this.#request.destroy();
  }

  #wait(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#peer.clock.timer(deadlines.stall, () =>
      this.#request.destroy(new NethoodError('timeout', `${peerName(this.#peer)} took no byte for a minute.`)),
    );
  }

  #stop(): void {
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    this.#refuse(nobodyListens());
  }
}

function nobodyListens(): NethoodError {
  return new NethoodError('interrupted', 'Nothing more is taken.');
}

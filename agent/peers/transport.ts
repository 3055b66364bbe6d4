/** WebSockets between agents (RFC 6455), dialled and accepted, on sockets whose key has been checked. The only importer of ws. */
import type { TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { NethoodError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { deadlines, peerLimits, peerSubprotocol } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Address } from '../discovery/discovery.ts';
import type { Identity } from '../trust/identity.ts';
import { shownAddress } from './host-header.ts';
import { hostHeader } from './peer-address.ts';
import type { PeerUpgrade } from './peer-port.ts';
import type { PeerSocket, PeerSocketEvents, PeerTransport } from './peer-socket.ts';
import { type DialTarget, PeerDialer, type PeerTls } from './peer-tls.ts';
import { fullBucket, take } from './rate-limit.ts';

interface TransportDeps {
  readonly identity: Identity;
  readonly clock: Clock;
}

export interface Transport extends PeerTransport, PeerTls, AsyncDisposable {
  /** For the peers port: the handshake of a session that another agent wants. */
  accept(upgrade: PeerUpgrade): void;
}

export function createTransport(deps: TransportDeps): Transport {
  return new WebSocketTransport(deps);
}

const socketOptions = {
  // 240 KiB of memory a connection, for messages that are small (facts: measured).
  perMessageDeflate: false,
  maxPayload: peerLimits.message,
  maxFragments: 16,
  maxBufferedChunks: 1024,
} as const;

const closeMs = 1000;
/** Our own agents ping every few seconds at most. */
const pingLimit = { burst: 50, perSecond: 5 };
/** RFC 6455 7.4.1 */
const unsupportedData = 1003;
const policyViolation = 1008;

class WebSocketTransport implements Transport {
  readonly events = new Emitter<{ incoming: [PeerSocket] }>();
  readonly #clock: Clock;
  readonly #dialer: PeerDialer;
  readonly #server = new WebSocketServer({ noServer: true, clientTracking: true, ...socketOptions });
  readonly #dialled = new Set<WebSocket>();

  constructor({ identity, clock }: TransportDeps) {
    this.#clock = clock;
    this.#dialer = new PeerDialer(identity, clock);
  }

  dial(id: DeviceId, address: Address, port: number, signal: AbortSignal): Promise<PeerSocket> {
    return this.#dial({ id, address, port }, signal);
  }

  dialUnknown(address: Address, port: number, signal: AbortSignal): Promise<PeerSocket> {
    return this.#dial({ id: undefined, address, port }, signal);
  }

  async connectTls(id: DeviceId, address: Address, port: number, signal: AbortSignal): Promise<TLSSocket> {
    return (await this.#dialer.connect({ id, address, port }, signal)).socket;
  }

  accept({ request, socket, head, ...peer }: PeerUpgrade): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) =>
      this.events.emit('incoming', new WebSocketPeer({ ...peer, dialled: false, webSocket, clock: this.#clock })),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#dialer[Symbol.dispose]();
    const open = [...this.#dialled, ...this.#server.clients];
    const closed = open.map((webSocket) => new Promise<void>((resolve) => void webSocket.once('close', resolve)));
    for (const webSocket of open) webSocket.terminate();
    this.#server.close();
    return Promise.all(closed).then(() => undefined);
  }

  async #dial(target: DialTarget, signal: AbortSignal): Promise<PeerSocket> {
    const { socket, id } = await this.#dialer.connect(target, signal);
    const [address, localAddress] = [shownAddress(socket.remoteAddress), shownAddress(socket.localAddress)];
    // The name in the URL is never resolved: the socket is there already. A URL could not hold a zone.
    const webSocket = new WebSocket('ws://peer/peer', peerSubprotocol, {
      ...socketOptions,
      createConnection: () => socket,
      followRedirects: false,
      headers: { host: hostHeader(target.address, target.port) },
    });
    this.#dialled.add(webSocket);
    webSocket.once('close', () => this.#dialled.delete(webSocket));
    const peer = new Promise<PeerSocket>((resolve) => {
      // Made inside the event, so that nothing that arrives with the answer is lost.
      webSocket.once('open', () =>
        resolve(new WebSocketPeer({ id, address, localAddress, dialled: true, webSocket, clock: this.#clock })),
      );
    });
    return await Promise.race([peer, this.#failure(webSocket, address, signal)]);
  }

  /** Rejects, and ends the socket, when the handshake fails, takes too long or is no longer wanted. */
  #failure(webSocket: WebSocket, address: string, signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const fail = (error: Error): void => {
        reject(error);
        webSocket.terminate();
      };
      const aborted = (): void => fail(signal.reason as Error);
      const timer = this.#clock.timer(deadlines.dial, () =>
        fail(new NethoodError('timeout', `The agent at ${address} did not answer the request for a session.`)),
      );
      const settled = (): void => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', aborted);
      };
      signal.addEventListener('abort', aborted);
      webSocket.once('open', settled);
      webSocket.once('close', settled);
      webSocket.on('error', (cause) => {
        reject(
          new NethoodError('unreachable', `The agent at ${address} refused a session: ${cause.message}.`, { cause }),
        );
      });
    });
  }
}

interface WebSocketPeerInput {
  readonly id: DeviceId;
  readonly address: string;
  readonly localAddress: string;
  readonly dialled: boolean;
  readonly webSocket: WebSocket;
  readonly clock: Clock;
}

class WebSocketPeer implements PeerSocket {
  readonly id: DeviceId;
  readonly address: string;
  readonly localAddress: string;
  readonly dialled: boolean;
  readonly events: PeerSocketEmitter;
  readonly #webSocket: WebSocket;
  readonly #clock: Clock;
  #pings;
  #closing = false;

  constructor({ id, address, localAddress, dialled, webSocket, clock }: WebSocketPeerInput) {
    this.id = id;
    this.address = address;
    this.localAddress = localAddress;
    this.dialled = dialled;
    this.#webSocket = webSocket;
    this.#clock = clock;
    this.#pings = fullBucket(pingLimit, clock.now());
    this.events = new PeerSocketEmitter(() => webSocket.resume());
    webSocket.pause();
    webSocket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    webSocket.on('ping', () => this.#onPing());
    webSocket.once('close', (code, reason) => this.events.closed(code, reason.toString()));
    // `close` follows each error and is what the session hears of.
    webSocket.on('error', () => undefined);
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  send(text: string): void {
    // After the close nobody reads it; the session knows from the event.
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.send(text);
  }

  close(code: number, reason: string): void {
    if (this.#closing || this.#webSocket.readyState === WebSocket.CLOSED) return;
    this.#closing = true;
    this.#webSocket.close(code, closeReason(reason));
    // Or the other side's half of the handshake would never be read.
    this.#webSocket.resume();
    const timer = this.#clock.timer(closeMs, () => this.#webSocket.terminate());
    this.#webSocket.once('close', () => timer[Symbol.dispose]());
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (isBinary) this.close(unsupportedData, 'text frames only');
    // Nothing counts after our own close.
    else if (this.#webSocket.readyState === WebSocket.OPEN) this.events.emit('message', textOf(data));
  }

  #onPing(): void {
    const { bucket, retryAfterMs } = take(pingLimit, this.#pings, this.#clock.now());
    this.#pings = bucket;
    if (retryAfterMs > 0) this.close(policyViolation, 'too many pings');
  }
}

/** Holds messages back until somebody listens, and tells a close also to those who came too late. */
class PeerSocketEmitter extends Emitter<PeerSocketEvents> {
  readonly #listened: () => void;
  #close: PeerSocketEvents['close'] | undefined;

  constructor(listened: () => void) {
    super();
    this.#listened = listened;
  }

  override on<Name extends keyof PeerSocketEvents>(
    name: Name,
    listener: (...args: PeerSocketEvents[Name]) => void,
  ): Disposable {
    const registration = super.on(name, listener);
    if (name === 'message') this.#listened();
    const close = this.#close;
    if (name === 'close' && close !== undefined)
      queueMicrotask(() => (listener as (...args: PeerSocketEvents['close']) => void)(...close));
    return registration;
  }

  closed(code: number, reason: string): void {
    this.#close = [code, reason];
    this.emit('close', code, reason);
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

/** At most 123 bytes of UTF-8 (RFC 6455 5.5), never cut inside a character. */
function closeReason(text: string): Buffer {
  const bytes = Buffer.from(text);
  let end = Math.min(bytes.length, 123);
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

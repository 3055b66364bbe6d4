/**
 * TLS between agents. Certificates are only envelopes: nobody signs them and their names and dates count for nothing;
 * what counts is that the other side proved to hold the key whose hash is the DeviceId. Hence `rejectUnauthorized:
 * false` everywhere and a check of our own before the first byte. Sessions are never resumed: a resumed one shows no
 * certificate, or that of whoever holds the ticket.
 */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { NethoodError } from '../../protocol/errors.ts';
import { type DeviceId, shortId } from '../../protocol/ids.ts';
import { deadlines } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import type { Address } from '../discovery/discovery.ts';
import { deviceIdOf } from '../trust/certificate.ts';
import type { Identity } from '../trust/identity.ts';
import { withDirectBytes } from './direct-bytes.ts';
import { addressText, hostHeader } from './peer-address.ts';

export const peerTlsOptions = {
  minVersion: 'TLSv1.3',
  rejectUnauthorized: false,
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/** A socket to a neighbour whose key has been checked; nothing was sent on it yet. */
export interface PeerTls {
  /** One address, one try. @throws `unreachable` (a wrong key too, and says so), `timeout`, or the signal's reason */
  connectTls(id: DeviceId, address: Address, port: number, signal: AbortSignal): Promise<TLSSocket>;
}

/** Who is at the other end; undefined where it showed no certificate, or none with a key that we can read. Node 20 gives a peer's certificate once: read it once. */
export function readDeviceId(socket: TLSSocket): DeviceId | undefined {
  const certificate = socket.getPeerX509Certificate();
  try {
    return certificate && deviceIdOf(certificate.publicKey.export({ type: 'spki', format: 'der' }));
  } catch {
    // A key that OpenSSL cannot name is nobody's: the caller refuses it as it refuses none at all.
    return undefined;
  }
}

export interface DialTarget {
  /** Undefined where nobody knows yet who is there. */
  readonly id: DeviceId | undefined;
  readonly address: Address;
  readonly port: number;
}

export class PeerDialer implements Disposable {
  readonly #ownId: DeviceId;
  readonly #clock: Clock;
  /** One for all: making one costs a millisecond. */
  readonly #context: ReturnType<typeof createSecureContext>;
  readonly #sockets = new Set<Socket>();
  #disposed = false;

  constructor({ id, keyPem, certificatePem }: Identity, clock: Clock) {
    this.#ownId = id;
    this.#clock = clock;
    const { minVersion, secureOptions } = peerTlsOptions;
    this.#context = createSecureContext({ key: keyPem, cert: certificatePem, minVersion, secureOptions });
  }

  /** @throws as `PeerTls.connectTls` */
  async connect(target: DialTarget, signal: AbortSignal): Promise<{ socket: TLSSocket; id: DeviceId }> {
    signal.throwIfAborted();
    if (this.#disposed) throw new NethoodError('unreachable', `The agent stops; ${shown(target)} is not dialled.`);
    const { address, port } = target;
    const { rejectUnauthorized } = peerTlsOptions;
    const way = { host: addressText(address), port, secureContext: this.#context, rejectUnauthorized };
    const socket = withDirectBytes((options) => connectTls({ ...way, ...options }));
    this.#own(socket);
    await this.#settled(socket, 'connect', deadlines.dial, { target, signal });
    socket.setNoDelay(true).setKeepAlive(true);
    await this.#settled(socket, 'secureConnect', deadlines.tls, { target, signal });
    return { socket, id: this.#check(target, socket) };
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #check(target: DialTarget, socket: TLSSocket): DeviceId {
    const found = readDeviceId(socket);
    const wrong = this.#wrong(target, found);
    if (found !== undefined && wrong === undefined) return found;
    socket.destroy();
    throw new NethoodError('unreachable', `${wrong ?? 'No device answers'} at ${shown(target)}.`);
  }

  #wrong({ id }: DialTarget, found: DeviceId | undefined): string | undefined {
    if (found === undefined) return 'Something without a key answers';
    if (found === this.#ownId) return 'This device itself answers';
    if (id !== undefined && found !== id) return `Another device (${shortId(found)}, not ${shortId(id)}) answers`;
    return undefined;
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // Every error is followed by `close`, and whoever waits for the socket hears of it there.
    socket.on('error', () => undefined);
  }

  #settled(
    socket: Socket,
    event: 'connect' | 'secureConnect',
    ms: number,
    { target, signal }: { target: DialTarget; signal: AbortSignal },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', aborted);
        for (const [name, listener] of listeners) socket.off(name, listener);
        settle();
      };
      const fail = (error: Error): void =>
        end(() => {
          socket.destroy();
          reject(error);
        });
      const failed = (cause?: unknown): void => fail(unreachable(target, cause));
      const aborted = (): void => fail(signal.reason as Error);
      const listeners = [
        [event, () => end(resolve)],
        ['error', failed],
        ['close', () => failed()],
      ] as const;
      for (const [name, listener] of listeners) socket.on(name, listener);
      signal.addEventListener('abort', aborted);
      const timer = this.#clock.timer(ms, () =>
        fail(new NethoodError('timeout', `${shown(target)} did not answer within ${ms / 1000} s.`)),
      );
    });
  }
}

function unreachable(target: DialTarget, cause: unknown): NethoodError {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  const why = code === undefined ? 'closed the connection' : `cannot be reached (${code})`;
  return new NethoodError('unreachable', `${shown(target)} ${why}.`, { cause });
}

function shown({ address, port }: DialTarget): string {
  return address.zone === undefined ? hostHeader(address, port) : `[${addressText(address)}]:${port}`;
}

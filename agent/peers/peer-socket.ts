/** A WebSocket between two agents, with the other side's identity already proved by its key. The seam between sessions (pure, simulated in tests) and the network. */
import type { DeviceId } from '../../protocol/ids.ts';
import type { Emitter } from '../base/emitter.ts';
import type { Address } from '../discovery/discovery.ts';

export interface PeerSocketEvents {
  readonly message: [text: string];
  /** Once; also after an error or our own `close`. `code` 1006 where the connection just broke. */
  readonly close: [code: number, reason: string];
}

export interface PeerSocket {
  /** Of the key on the TLS socket. */
  readonly id: DeviceId;
  /** The other side's address, as text with zone. */
  readonly address: string;
  /** Ours; empty where it is not known. */
  readonly localAddress: string;
  /** True where we dialled. */
  readonly dialled: boolean;
  readonly events: Emitter<PeerSocketEvents>;
  /** Bytes not yet handed to the system. */
  readonly bufferedBytes: number;
  send(text: string): void;
  /** Closing handshake of at most 1 s, then the socket is destroyed. */
  close(code: number, reason: string): void;
}

export interface PeerTransport {
  /** One address, one try. @throws `unreachable`, `timeout`; a wrong key is `unreachable` and says so */
  dial(id: DeviceId, address: Address, port: number, signal: AbortSignal): Promise<PeerSocket>;
  /** To an address of which nobody knows yet who is there (`neighbour add`). */
  dialUnknown(address: Address, port: number, signal: AbortSignal): Promise<PeerSocket>;
  readonly events: Emitter<{ incoming: [PeerSocket] }>;
}

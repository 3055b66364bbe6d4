/** `node:http` over sockets to one neighbour: each comes from a dial that has checked the neighbour's key. */
import { Agent, type ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export interface PeerHttpAgentSettings {
  /** Requests under way at once; further ones wait. */
  readonly requests: number;
  /** Sockets kept for the next request. */
  readonly idleSockets: number;
  /** Milliseconds; less than the other side's, so that it is we who close. */
  readonly idleMs: number;
}

const settingsOfAgents: PeerHttpAgentSettings = { requests: 8, idleSockets: 4, idleMs: 15_000 };

/** Dispose it when the neighbour is gone: its sockets end, requests under way fail. */
export function createPeerHttpAgent(
  connect: (signal: AbortSignal) => Promise<TLSSocket>,
  settings: Partial<PeerHttpAgentSettings> = {},
): PeerHttpAgent {
  return new PeerHttpAgent(connect, { ...settingsOfAgents, ...settings });
}

/** Node hands every request to the agent by this method; its types leave it out. */
interface AddRequest {
  addRequest(request: ClientRequest, options: object): void;
}

/** Node passes no socket with an error; its types want one. */
type Created = (error: Error | null, socket: Duplex) => void;

export class PeerHttpAgent extends Agent implements Disposable, AddRequest {
  readonly #connect: (signal: AbortSignal) => Promise<TLSSocket>;
  readonly #most: number;
  readonly #ended = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(connect: (signal: AbortSignal) => Promise<TLSSocket>, settings: PeerHttpAgentSettings) {
    const { requests, idleSockets, idleMs } = settings;
    super({ keepAlive: true, maxSockets: requests, maxFreeSockets: idleSockets, timeout: idleMs, scheduling: 'lifo' });
    this.#connect = connect;
    this.#most = requests;
  }

  /**
   * Counts requests: Node counts sockets against `maxSockets` only once they are connected, so a hundred requests at
   * once would be a hundred dials (the same fault in agent-base: TooTallNate/proxy-agents#299).
   */
  addRequest(request: ClientRequest, options: object): void {
    const start = (): void => {
      this.#running++;
      request.once('close', () => {
        this.#running--;
        this.#waiting.shift()?.();
      });
      (Agent.prototype as unknown as AddRequest).addRequest.call(this, request, options);
    };
    if (this.#running < this.#most) start();
    else this.#waiting.push(start);
  }

  /** One neighbour, one pool, whatever address a request names. */
  override getName(): string {
    return 'peer';
  }

  override createConnection(_options: object, created?: Created): undefined {
    if (created !== undefined) void this.#create(created);
  }

  override destroy(): void {
    this.#ended.abort(new DOMException('The neighbour is no longer asked.', 'AbortError'));
    super.destroy();
  }

  /** Those that lead nowhere any more, without waiting until they stall. */
  end(leadsNowhere: (socket: Socket) => boolean): void {
    for (const sockets of [...Object.values(this.sockets), ...Object.values(this.freeSockets)])
      for (const socket of sockets ?? []) if (leadsNowhere(socket)) socket.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  async #create(created: Created): Promise<void> {
    let socket: TLSSocket;
    try {
      socket = await this.#connect(this.#ended.signal);
    } catch (error) {
      (created as (error: Error) => void)(error as Error);
      return;
    }
    if (this.#ended.signal.aborted) socket.destroy();
    created(null, socket);
  }
}

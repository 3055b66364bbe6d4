/** The guests' port: open only while something is shared with everyone. */
import { NethoodError } from '../../protocol/errors.ts';
import { Scope } from '../base/scope.ts';
import { type GuestDeps, GuestSockets } from './guest-sockets.ts';
import { isTaken, listenOnAll } from './listen.ts';
import { type PortSettings, portSettings } from './peer-port.ts';
import type { GateLimits } from './socket-gate.ts';

/** Guests are strangers to a man: print systems and file managers need few connections. */
const guestGateLimits: GateLimits = {
  perAddress: 32,
  total: 256,
  newOfOne: { burst: 64, perSecond: 10 },
  newOfAll: { burst: 256, perSecond: 100 },
};

export interface GuestPortDeps extends GuestDeps {
  /** B+2 */
  readonly port: number;
  readonly settings?: Partial<PortSettings>;
}

export interface GuestPort extends AsyncDisposable {
  /** Null while it is closed. */
  readonly port: number | null;
  /** Of several calls the last one counts. @throws NethoodError `no-port` where another program has taken the port meanwhile */
  setOpen(open: boolean): Promise<void>;
}

export function createGuestPort(deps: GuestPortDeps): GuestPort {
  return new SwitchedGuestPort(deps);
}

class SwitchedGuestPort implements GuestPort {
  readonly #deps: GuestPortDeps;
  readonly #settings: PortSettings;
  #wanted = false;
  #disposed = false;
  #opened: Scope | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(deps: GuestPortDeps) {
    this.#deps = deps;
    this.#settings = { ...portSettings, gate: guestGateLimits, ...deps.settings };
  }

  get port(): number | null {
    return this.#opened === undefined ? null : this.#deps.port;
  }

  setOpen(open: boolean): Promise<void> {
    this.#wanted = open && !this.#disposed;
    const work = this.#settleAfter(this.#work);
    // The caller gets the failure; the next call tries anew.
    this.#work = work.catch(() => undefined);
    return work;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    return this.setOpen(false);
  }

  async #settleAfter(earlier: Promise<void>): Promise<void> {
    await earlier;
    if (this.#wanted && this.#opened === undefined) this.#opened = await this.#open();
    else if (!this.#wanted && this.#opened !== undefined) {
      const opened = this.#opened;
      this.#opened = undefined;
      await opened[Symbol.asyncDispose]();
    }
  }

  async #open(): Promise<Scope> {
    const { port } = this.#deps;
    const listener = await listenOnAll(port).catch((cause: unknown) => {
      const why = isTaken(cause) ? 'is taken by another program' : `cannot be opened: ${String(cause)}`;
      throw new NethoodError('no-port', `The port ${port} for guests ${why}.`, { cause });
    });
    const scope = new Scope();
    scope.use(listener);
    const sockets = scope.use(new GuestSockets(this.#deps, this.#settings));
    listener.server.on('connection', sockets.take);
    scope.defer(() => listener.server.close());
    return scope;
  }
}

/** Whether the neighbour of a transfer is there. */
import { NethoodError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import type { Neighbours } from '../peers/neighbours.ts';

/** What came before a neighbour went lies in our sockets, which give it and then break by themselves, unless it fell silent. */
const lastBytesMs = 1_000;

export interface ContactDeps {
  readonly neighbours: Pick<Neighbours, 'events'>;
  readonly clock: Clock;
}

export class NeighbourContact implements Disposable {
  readonly #clock: Clock;
  readonly #listener: Disposable;
  readonly #returned = new Set<() => void>();
  /** Those that are not told yet. */
  readonly #losses = new Set<Disposable>();
  #contact = new AbortController();

  constructor({ neighbours, clock }: ContactDeps, id: DeviceId) {
    this.#clock = clock;
    this.#listener = neighbours.events.on('changed', (neighbour) => {
      if (neighbour.id !== id) return;
      if (neighbour.state === 'gone') this.#lose(neighbour.name);
      else if (neighbour.state === 'ready') for (const go of Array.from(this.#returned)) go();
    });
  }

  /** Aborts a moment after the neighbour is found to be gone, the next time after now. */
  get lost(): AbortSignal {
    return this.#contact.signal;
  }

  /** Waits so long, or until the neighbour is ready again. @throws the signal's reason */
  pause(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer[Symbol.dispose]();
        this.#returned.delete(go);
        signal.removeEventListener('abort', stop);
      };
      const go = (): void => {
        end();
        resolve();
      };
      const stop = (): void => {
        end();
        reject(signal.reason as Error);
      };
      const timer = this.#clock.timer(ms, go);
      this.#returned.add(go);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
    for (const loss of this.#losses) loss[Symbol.dispose]();
  }

  #lose(name: string): void {
    const lost = this.#contact;
    this.#contact = new AbortController();
    const loss = this.#clock.timer(lastBytesMs, () => {
      this.#losses.delete(loss);
      lost.abort(new NethoodError('interrupted', `${name} is gone.`));
    });
    this.#losses.add(loss);
  }
}

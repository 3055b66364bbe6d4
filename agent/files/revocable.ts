/** Ends what is under way for somebody who may no longer have it: a share that is taken back is so at once. */
import type { HttpExchange } from '../peers/neighbours.ts';
import type { Shares } from './files-service.ts';

export class Revocable implements Disposable {
  readonly #looks = new Set<() => void>();
  readonly #listener: Disposable;

  constructor(shares: Pick<Shares, 'events'>) {
    this.#listener = shares.events.on('changed', () => this.#looks.forEach((look) => look()));
  }

  /** @param check throws where it may no longer be; asked again whenever the shares change */
  async during(
    exchange: HttpExchange,
    check: () => unknown,
    work: (exchange: HttpExchange) => Promise<void>,
  ): Promise<void> {
    const revoked = new AbortController();
    const look = (): void => {
      try {
        check();
      } catch (error) {
        revoked.abort(error);
      }
    };
    this.#looks.add(look);
    try {
      await work({ ...exchange, signal: AbortSignal.any([exchange.signal, revoked.signal]) });
    } finally {
      this.#looks.delete(look);
    }
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
  }
}

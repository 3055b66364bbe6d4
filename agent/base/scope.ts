import { setMaxListeners } from 'node:events';

/**
 * The owner of things with a lifetime. Whoever opens a socket, timer or child process gives it to a Scope; disposing
 * the scope aborts its signal and ends them in reverse order. (Node 20 has no AsyncDisposableStack.)
 */
export class Scope implements AsyncDisposable {
  readonly #controller = newController();
  readonly #owned: (() => unknown)[] = [];
  readonly #tasks = new Set<Promise<void>>();
  #disposed: Promise<void> | undefined;
  #ended = false;

  /** Aborted as the first act of disposal; every wait inside the scope takes it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  use<T extends AsyncDisposable | Disposable>(thing: T): T {
    this.defer(() => (Symbol.asyncDispose in thing ? thing[Symbol.asyncDispose]() : thing[Symbol.dispose]()));
    return thing;
  }

  /** Runs at disposal, in reverse order of registration; at once where the scope has ended. */
  defer(end: () => unknown): void {
    if (!this.#ended) this.#owned.push(end);
    // Too late for the errors of disposal, and nobody else is there to be told.
    else
      void Promise.resolve()
        .then(end)
        .catch(() => {});
  }

  /** Work in the background that disposal waits for. Its failure goes to `failed`, unless the scope has ended it. */
  run(work: (signal: AbortSignal) => Promise<void>, failed: (error: unknown) => void): void {
    const task = (async () => work(this.signal))()
      .catch((error: unknown) => {
        if (!this.signal.aborted) failed(error);
      })
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** A scope inside this one. It may end earlier. */
  child(): Scope {
    const child = new Scope();
    const end = (): Promise<void> => child[Symbol.asyncDispose]();
    this.#owned.push(end);
    child.defer(() => {
      const at = this.#owned.indexOf(end);
      if (at >= 0) this.#owned.splice(at, 1);
    });
    // Its signal is aborted before anybody can start something under it.
    if (this.signal.aborted) void end();
    return child;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    this.#controller.abort(new DOMException('The scope has ended.', 'AbortError'));
    const errors: unknown[] = [];
    // Work that is still ending may give us more to end.
    do {
      for (let end = this.#owned.pop(); end !== undefined; end = this.#owned.pop()) {
        try {
          await end();
        } catch (error) {
          errors.push(error);
        }
      }
      await Promise.all(this.#tasks);
    } while (this.#owned.length > 0 || this.#tasks.size > 0);
    this.#ended = true;
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'Several things failed to end.');
  }
}

/** Many waits at once take the signal of a scope: that is no leak of listeners, which Node suspects from the 11th on. */
function newController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

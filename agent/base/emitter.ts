/** A typed emitter: `new Emitter<{ found: [Sighting]; lost: [DeviceId] }>()`. */
export class Emitter<Events extends Record<keyof Events, readonly unknown[]>> {
  readonly #listeners = new Map<keyof Events, Set<(...args: never[]) => void>>();

  /** The listener stays until the answer is disposed. */
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): Disposable {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    // A wrapper of its own, so that one function registered twice is two registrations.
    const registered = (...args: never[]): void => listener(...(args as unknown as Events[Name]));
    listeners.add(registered);
    return { [Symbol.dispose]: () => void listeners.delete(registered) };
  }

  /** Calls the listeners in order. What one of them throws goes to the emitter's caller after all were called. */
  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    const errors: unknown[] = [];
    for (const listener of Array.from(this.#listeners.get(name) ?? [])) {
      try {
        listener(...(args as unknown as never[]));
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0)
      throw errors.length === 1 ? errors[0] : new AggregateError(errors, `Listeners of ${String(name)} failed.`);
  }

  listenerCount(name: keyof Events): number {
    return this.#listeners.get(name)?.size ?? 0;
  }
}

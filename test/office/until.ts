interface UntilOptions {
  readonly what: string | (() => string);
  readonly withinMs: number;
  readonly everyMs?: number;
}

/** Asks again and again until the answer is true (or a value); fails with what was waited for. Gives the milliseconds or the value. */
export async function until<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  options: UntilOptions,
): Promise<T> {
  const end = performance.now() + options.withinMs;
  for (;;) {
    const began = performance.now();
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) {
      const what = typeof options.what === 'string' ? options.what : options.what();
      throw new Error(`waited ${options.withinMs} ms for ${what}`);
    }
    // A command asked again at once would take the processor from those whom it waits for.
    const pause = options.everyMs ?? Math.min(500, Math.max(50, performance.now() - began));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

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
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) {
      const what = typeof options.what === 'string' ? options.what : options.what();
      throw new Error(`waited ${options.withinMs} ms for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}

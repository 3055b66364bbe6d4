/** What one agent sees of its neighbours, every change with its time, by `nethood neighbours --watch --json`. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { NeighbourView } from '../../protocol/control.ts';
import type { TestAgent } from './agents.ts';
import { until } from './until.ts';

type Fits = (neighbours: readonly NeighbourView[]) => boolean;

interface Look {
  /** By `performance.now()`. */
  readonly at: number;
  readonly neighbours: readonly NeighbourView[];
}

interface Wanted {
  readonly what: string;
  readonly withinMs: number;
  /** By `performance.now()`; what was so already counts from here on. Default: now. */
  readonly since?: number;
}

export class NeighbourWatch implements AsyncDisposable {
  readonly #agent: TestAgent;
  readonly #child: ChildProcess;
  readonly #looks: Look[] = [];
  #rest = '';

  private constructor(agent: TestAgent) {
    this.#agent = agent;
    this.#child = agent.spawnCli('neighbours', '--watch', '--json');
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
  }

  /** Once it has told how things are. */
  static async start(agent: TestAgent): Promise<NeighbourWatch> {
    const watch = new NeighbourWatch(agent);
    await until(() => watch.#looks.length > 0, { what: () => `a first look: ${agent.output}`, withinMs: 20_000 });
    return watch;
  }

  get now(): readonly NeighbourView[] {
    return this.#looks.at(-1)?.neighbours ?? [];
  }

  /** Everything told since then, the state at that moment first. */
  since(at: number): readonly Look[] {
    const first = this.#looks.findLastIndex((look) => look.at <= at);
    return this.#looks.slice(Math.max(first, 0));
  }

  /** Milliseconds after `since` at which it was so for the first time. */
  async until(fits: Fits, { what, withinMs, since = performance.now() }: Wanted): Promise<number> {
    const found = await until(() => this.since(since).find(({ neighbours }) => fits(neighbours)), {
      what: () => `${what}: ${JSON.stringify(this.now)}\n${this.#agent.output}`,
      withinMs: withinMs - (performance.now() - since),
      everyMs: 10,
    });
    return Math.max(0, Math.round(found.at - since));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const at = performance.now();
    for (const line of lines) {
      const told: unknown = JSON.parse(line);
      // The last document, where the agent stopped or fell silent, is an error.
      if (Array.isArray(told)) this.#looks.push({ at, neighbours: z.array(NeighbourView).parse(told) });
    }
  }
}

/** Whether exactly these (names) are in session. */
export function readyAre(...names: readonly string[]): Fits {
  const wanted = names.toSorted().join();
  return (neighbours) =>
    neighbours
      .filter(({ state }) => state === 'ready')
      .map(({ name }) => name)
      .toSorted()
      .join() === wanted;
}

/** Whether the neighbour of this name is in this state. */
export function isState(name: string, state: NeighbourView['state']): Fits {
  return (neighbours) => neighbours.some((neighbour) => neighbour.name === name && neighbour.state === state);
}

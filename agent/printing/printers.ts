/**
 * The queues of this PC: those of the print system and the built-in PDF printer, asked for every few seconds and when
 * they say that something changed. A print
 * system that does not answer takes nothing along: its queues stay in the list as stopped, all others go on.
 */
import { toNethoodError } from '../../protocol/errors.ts';
import { QueueName } from '../../protocol/ids.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { Wakeable } from '../base/wakeable.ts';
import type { AttributeGroup } from './ipp-values.ts';
import type { PrintBackend, Queue } from './print-backend.ts';
import type { Printer } from './printer.ts';

export interface OwnPrintersDeps {
  /** In order: of two queues of the same name the earlier one keeps it. */
  readonly backends: readonly PrintBackend[];
  /** False for one that the user turned off. */
  isOn(backend: PrintBackend): boolean;
  readonly clock: Clock;
  readonly log: Log;
}

const refreshMs = 5_000;
const leastMs = 250;
const answerMs = 10_000;
/** How old a description may be; clients ask for it again and again. */
const describedMs = 5_000;

interface Described {
  readonly at: number;
  readonly attributes: Promise<AttributeGroup>;
  /** The last that came. */
  readonly last: AttributeGroup | undefined;
}

export class OwnPrinters implements AsyncDisposable {
  /** `reachable`: queues can be printed on that could not before. */
  readonly events = new Emitter<{ changed: []; reachable: [] }>();
  readonly #deps: OwnPrintersDeps;
  readonly #scope = new Scope();
  readonly #queues = new Map<PrintBackend, readonly Queue[]>();
  readonly #problems = new Map<PrintBackend, string>();
  readonly #answered = new Set<PrintBackend>();
  readonly #described = new Map<PrintBackend, Map<QueueName, Described>>();
  readonly #news: Wakeable;
  #printers = new Map<QueueName, Printer>();

  constructor(deps: OwnPrintersDeps) {
    this.#deps = deps;
    this.#news = new Wakeable(deps.clock);
  }

  start(): void {
    for (const backend of this.#deps.backends) {
      const listening = backend.onChange?.(() => this.#news.wake());
      if (listening !== undefined) this.#scope.use(listening);
    }
    this.#scope.run(
      async () => this.#refreshForEver(),
      (error) => this.#deps.log.error({ error }, 'Printers are no longer looked for.'),
    );
  }

  list(): readonly Printer[] {
    return Array.from(this.#printers.values());
  }

  get(id: string): Printer | undefined {
    return this.#printers.get(id as QueueName);
  }

  /** By queue name, else by what people read. */
  named(text: string): readonly Printer[] {
    const exact = this.get(text);
    return exact === undefined ? this.list().filter(({ queue }) => queue.info === text) : [exact];
  }

  /** As it described itself last; undefined before it did so once. */
  described(id: QueueName): AttributeGroup | undefined {
    const printer = this.get(id);
    return printer && this.#described.get(printer.backend)?.get(printer.queue.id)?.last;
  }

  /**
   * Why a print system does not answer, one sentence each. One that never answered is none that this PC has, unless
   * something that is shared must be there (`expected`).
   */
  problems(expected: boolean): readonly string[] {
    const missed = [...this.#problems].filter(([backend]) => expected || this.#answered.has(backend));
    return missed.map(([, problem]) => problem);
  }

  async refresh(): Promise<void> {
    const { backends } = this.#deps;
    const problemsBefore = this.#problems.size;
    await Promise.all(backends.map((backend) => this.#ask(backend)));
    const found = backends.filter((backend) => this.#deps.isOn(backend)).flatMap((backend) => this.#found(backend));
    const before = this.#printers;
    this.#printers = this.#named(found);
    const isNew = this.list().some(({ id }) => !before.has(id));
    if (isNew || this.#problems.size < problemsBefore) this.events.emit('reachable');
    if (isNew || before.size !== this.#printers.size || this.list().some((each) => before.get(each.id) !== each))
      this.events.emit('changed');
    this.#describeNew();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  async #refreshForEver(): Promise<void> {
    for (;;) {
      await this.refresh();
      // A queue that prints says something several times a second.
      await sleep(this.#deps.clock, leastMs, this.#scope.signal);
      await this.#news.wait(refreshMs - leastMs, this.#scope.signal);
    }
  }

  async #ask(backend: PrintBackend): Promise<void> {
    const limit = new AbortController();
    const timer = this.#deps.clock.timer(answerMs, () => limit.abort(new Error('The print system does not answer.')));
    try {
      this.#queues.set(backend, await backend.list(AbortSignal.any([this.#scope.signal, limit.signal])));
      this.#problems.delete(backend);
      this.#answered.add(backend);
    } catch (error) {
      if (this.#scope.signal.aborted) return;
      const { message } = toNethoodError(error);
      if (!this.#problems.has(backend)) this.#deps.log.info({ error: message }, 'The print system cannot be asked.');
      this.#problems.set(backend, message);
      this.#queues.set(backend, (this.#queues.get(backend) ?? []).map(outOfReach));
    } finally {
      timer[Symbol.dispose]();
    }
  }

  #found(backend: PrintBackend): { backend: PrintBackend; queue: Queue }[] {
    return (this.#queues.get(backend) ?? []).map((queue) => ({ backend, queue }));
  }

  #named(found: readonly { backend: PrintBackend; queue: Queue }[]): Map<QueueName, Printer> {
    const printers = new Map<QueueName, Printer>();
    for (const { backend, queue } of found) {
      const id = freeName(queue.id, printers);
      if (id !== undefined) printers.set(id, this.#printerOf(id, backend, queue));
    }
    return printers;
  }

  /** The same object while nothing has changed. */
  #printerOf(id: QueueName, backend: PrintBackend, queue: Queue): Printer {
    const before = this.#printers.get(id);
    if (before !== undefined && before.backend === backend && sameText(before.queue, queue)) return before;
    const now = this.#deps.clock.wall();
    const stateSame = before !== undefined && sameText(stateOf(before.queue), stateOf(queue));
    const configSame = before !== undefined && sameText(configOf(before.queue), configOf(queue));
    return {
      id,
      destination: { device: null, queue: id },
      label: id,
      queue,
      backend,
      stateChanged: stateSame ? before.stateChanged : now,
      configChanged: configSame ? before.configChanged : now,
      describe: () => this.#description(backend, queue.id),
    };
  }

  /** Not with the signal of the asker: others may wait for the same answer. */
  #description(backend: PrintBackend, queue: QueueName): Promise<AttributeGroup> {
    const at = this.#deps.clock.now();
    const cache = this.#cacheOf(backend);
    const known = cache.get(queue);
    if (known !== undefined && at - known.at < describedMs) return known.attributes;
    const last = known?.last;
    const attributes = this.#describe(backend, queue).then(
      (described) => {
        cache.set(queue, { at, attributes, last: described });
        return described;
      },
      (error: unknown) => {
        cache.delete(queue);
        if (last === undefined) throw error;
        // An old description is better than none, for as long as the print system is away.
        cache.set(queue, { at: Number.NEGATIVE_INFINITY, attributes, last });
        return last;
      },
    );
    cache.set(queue, { at, attributes, last });
    return attributes;
  }

  #cacheOf(backend: PrintBackend): Map<QueueName, Described> {
    const cache = this.#described.get(backend) ?? new Map<QueueName, Described>();
    this.#described.set(backend, cache);
    return cache;
  }

  /** Each new queue once, so that `described` has something to tell. */
  #describeNew(): void {
    for (const printer of this.list()) {
      const { id } = printer;
      if (this.described(id) !== undefined) continue;
      this.#scope.run(
        async () => {
          await printer.describe();
          this.events.emit('changed');
        },
        (error) =>
          this.#deps.log.debug(
            { printer: id, error: toNethoodError(error).message },
            'A printer says nothing of itself yet.',
          ),
      );
    }
  }

  async #describe(backend: PrintBackend, queue: QueueName): Promise<AttributeGroup> {
    const limit = new AbortController();
    using _ = this.#deps.clock.timer(answerMs, () => limit.abort());
    return await backend.describe(queue, AbortSignal.any([this.#scope.signal, limit.signal]));
  }
}

/** Jobs are still taken: they wait until the print system is back. */
function outOfReach(queue: Queue): Queue {
  return { ...queue, state: 'stopped', stateReasons: ['offline-report'] };
}

/** A queue of the print system that is called like a built-in printer gets a second name here. */
function freeName(id: QueueName, taken: ReadonlyMap<QueueName, unknown>): QueueName | undefined {
  if (!taken.has(id)) return id;
  const second = QueueName.safeParse(`${id}-2`).data;
  return second === undefined || taken.has(second) ? undefined : second;
}

function stateOf({ state, stateReasons, accepting }: Queue): unknown {
  return [state, stateReasons, accepting];
}

function configOf({ info, location, makeAndModel }: Queue): unknown {
  return [info, location, makeAndModel];
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * One PowerShell for as long as the agent runs: its start takes a second or more, so it is started once, when first needed.
 * Requests have ids and deadlines. One that hangs is ended and started anew, with a growing pause, and whoever waited for
 * an answer is told.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { NethoodError } from '../../protocol/errors.ts';
import { backoff } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { faultError } from './windows-faults.ts';
import {
  answers,
  type AnswerTo,
  type Line,
  lineOf,
  readLine,
  type RequestName,
  type Requests,
} from './windows-protocol.ts';

export interface ProcessDeps {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly limits?: Partial<ProcessLimits>;
}

export interface ProcessLimits {
  readonly startMs: number;
  readonly answerMs: number;
  /** Of a print: from page to page. */
  readonly pageMs: number;
  readonly goodbyeMs: number;
}

const usualLimits: ProcessLimits = { startMs: 60_000, answerMs: 30_000, pageMs: 180_000, goodbyeMs: 2_000 };
const longestLine = 16 * 2 ** 20;

interface Pending {
  readonly name: RequestName;
  settle(line: Line | undefined, error?: NethoodError): void;
  /** Still waited for: the deadline begins anew. */
  extend(): void;
}

export class WindowsProcess implements AsyncDisposable {
  readonly #deps: ProcessDeps;
  readonly #limits: ProcessLimits;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcessWithoutNullStreams | undefined;
  #starting: Disposable | undefined;
  #buffer = '';
  #isReady = false;
  #nextId = 1;
  #pauses: Generator<number, never, undefined>;
  #notBefore = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(deps: ProcessDeps) {
    this.#deps = deps;
    this.#limits = { ...usualLimits, ...deps.limits };
    this.#pauses = restarts(deps.random);
  }

  /** @throws `unavailable` (it cannot be asked now), else as `faultError` reads the fault; the signal's reason */
  async ask<Name extends RequestName>(
    name: Name,
    request: Requests[Name],
    signal: AbortSignal,
  ): Promise<AnswerTo<Name>> {
    signal.throwIfAborted();
    const { answer } = this.begin(name, request);
    return orAborted(answer, signal);
  }

  /** Without a signal: what was begun is answered, or its process ends. */
  begin<Name extends RequestName>(
    name: Name,
    request: Requests[Name],
  ): { id: number; answer: Promise<AnswerTo<Name>> } {
    const id = this.#nextId++;
    return { id, answer: this.#send(id, name, request) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
    child.stdin.end();
    if (this.#prints()) return this.#leave(child);
    using _ = this.#deps.clock.timer(this.#limits.goodbyeMs, () => child.kill('SIGKILL'));
    await ended;
  }

  /** A document that Windows is still being given: PowerShell brings it to its end, and ends. */
  #leave(child: ChildProcessWithoutNullStreams): void {
    this.#lost(child, 'The agent stops.');
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  }

  #prints(): boolean {
    return [...this.#pending.values()].some(({ name }) => name === 'print');
  }

  async #send<Name extends RequestName>(id: number, name: Name, request: object): Promise<AnswerTo<Name>> {
    const child = this.#running();
    const line = await new Promise<Line | undefined>((resolve, reject) => {
      const limit = name === 'print' ? this.#limits.pageMs : this.#limits.answerMs;
      // Until it has started, the deadline of its start is enough.
      let timer = this.#isReady ? this.#deadline(id, limit) : undefined;
      this.#pending.set(id, {
        name,
        settle: (answer, error) => {
          timer?.[Symbol.dispose]();
          this.#pending.delete(id);
          if (error === undefined) resolve(answer);
          else reject(error);
        },
        extend: () => {
          timer?.[Symbol.dispose]();
          timer = this.#deadline(id, limit);
        },
      });
      child.stdin.write(lineOf({ id, op: name, ...request }));
    });
    const parsed = answers[name].safeParse(line !== undefined && 'ok' in line ? line.ok : undefined);
    if (parsed.success) return parsed.data as AnswerTo<Name>;
    throw new NethoodError('unavailable', 'The print system of Windows gave an answer that is not understood.');
  }

  #running(): ChildProcessWithoutNullStreams {
    if (this.#closed) throw unavailable('has ended');
    if (this.#child !== undefined) return this.#child;
    if (this.#deps.clock.now() < this.#notBefore) throw unavailable('does not answer; it is asked again soon');
    return this.#start();
  }

  #start(): ChildProcessWithoutNullStreams {
    const [program, ...words] = this.#deps.command;
    const { clock, env, log } = this.#deps;
    const child = spawn(program, words, { env, stdio: 'pipe', windowsHide: true });
    this.#child = child;
    this.#buffer = '';
    this.#isReady = false;
    this.#notBefore = Number.POSITIVE_INFINITY;
    this.#starting = clock.timer(this.#limits.startMs, () => this.#end(child, 'PowerShell does not start.'));
    child.once('error', (error) => this.#lost(child, error.message));
    child.once('close', (code) => this.#lost(child, `PowerShell ended (${code ?? 'killed'}).`));
    // One that has ended says so by its end.
    child.stdin.on('error', () => undefined);
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => log.debug({ said: text.slice(0, 500) }, 'PowerShell complains.'));
    child.stdout.setEncoding('latin1').on('data', (text: string) => this.#read(child, text));
    return child;
  }

  #read(child: ChildProcessWithoutNullStreams, text: string): void {
    if (this.#child !== child) return;
    const lines = (this.#buffer + text).split('\n');
    this.#buffer = lines.pop() ?? '';
    for (const each of lines) this.#hear(readLine(each));
    if (this.#buffer.length > longestLine) this.#end(child, 'PowerShell says too much.');
  }

  #hear(line: Line | undefined): void {
    if (line === undefined) return;
    if ('ready' in line) {
      this.#starting?.[Symbol.dispose]();
      this.#isReady = true;
      for (const pending of this.#pending.values()) pending.extend();
      this.#deps.log.debug({ version: line.version }, 'PowerShell has started.');
      return;
    }
    const pending = this.#pending.get(line.id);
    if ('page' in line) return pending?.extend();
    this.#pauses = restarts(this.#deps.random);
    pending?.settle(line, 'error' in line ? faultError(line.error) : undefined);
  }

  #deadline(id: number, ms: number): Disposable {
    return this.#deps.clock.timer(ms, () => {
      const pending = this.#pending.get(id);
      pending?.settle(undefined, unavailable('does not answer in time'));
      // A question may hang where a print goes on: that has a deadline of its own.
      if (this.#child !== undefined && (pending?.name === 'print' || !this.#prints()))
        this.#end(this.#child, 'PowerShell hangs.');
    });
  }

  #end(child: ChildProcessWithoutNullStreams, why: string): void {
    child.kill('SIGKILL');
    this.#lost(child, why);
  }

  #lost(child: ChildProcessWithoutNullStreams, why: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#starting?.[Symbol.dispose]();
    this.#notBefore = this.#deps.clock.now() + this.#pauses.next().value;
    if (!this.#closed) this.#deps.log.info({ why }, 'The print system of Windows is asked anew.');
    for (const pending of Array.from(this.#pending.values())) pending.settle(undefined, unavailable('ended'));
  }
}

function unavailable(what: string): NethoodError {
  return new NethoodError('unavailable', `PowerShell, by which the print system of Windows is asked, ${what}.`);
}

function restarts(random: () => number): Generator<number, never, undefined> {
  return backoff({ firstMs: 1_000, mostMs: 60_000, jitter: 0.2, random });
}

function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

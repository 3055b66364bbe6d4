/**
 * A thread of our own for files by the thousand. A call of `fs/promises` is a trip to the thread pool and back, which
 * costs several times what the call itself does; a thread may wait for the disk, and so makes its calls directly.
 */
import { Worker } from 'node:worker_threads';

/** What `tsc` made of a file beside this one: Node 20 reads no TypeScript, and the tests run this file as it is. */
function built(name: string): URL {
  const compiled = import.meta.url.endsWith('.js');
  return new URL(compiled ? `${name}.js` : `../../dist/agent/files/${name}.js`, import.meta.url);
}

/** Nothing but names and buffers lives in it. */
const memory = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 2 };

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export interface Asked<Ask> {
  readonly id: number;
  readonly ask: Ask;
}

export interface Answered<Answer> {
  readonly id: number;
  readonly answer: Answer;
}

export class FileThread<Ask, Answer> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting<Answer>>();
  #asked = 0;
  #failure: Error | undefined;

  /** @param name of the file that the thread runs, without its ending */
  constructor(name: string) {
    this.#worker = new Worker(built(name), { resourceLimits: memory });
    this.#worker.on('message', ({ id, answer }: Answered<Answer>) => {
      this.#waiting.get(id)?.resolve(answer);
      this.#waiting.delete(id);
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error(`The thread ${name} has ended.`)));
  }

  /** @param buffers go over to the thread, and come back with the answer */
  ask(ask: Ask, buffers: readonly ArrayBuffer[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const id = this.#asked++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ask } satisfies Asked<Ask>, [...buffers]);
    });
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** It no longer keeps the process alive. */
  release(): void {
    this.#worker.unref();
  }

  /** It does again. */
  hold(): void {
    this.#worker.ref();
  }

  /** Also in the middle of what was asked. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/** One request and its answer on the control port: bounded JSON in, JSON or lines out. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { type ErrorCode, errorTable, NethoodError } from '../../protocol/errors.ts';
import { schemaFault } from '../../protocol/schema-fault.ts';
import type { Clock } from '../base/clock.ts';

const mostBodyBytes = 1 << 20;
const longestMessage = 4000;
const quietLineEveryMs = 15_000;
/** An answer that comes before the body has ended is lost if the socket closes at once: the rest is read and dropped, for so long. */
const drainMs = 2_000;

export class Answer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #clock: Clock;

  constructor(request: IncomingMessage, response: ServerResponse, clock: Clock) {
    this.#request = request;
    this.#response = response;
    this.#clock = clock;
  }

  get body(): Readable {
    return this.#request;
  }

  /** @throws NethoodError `too-large`, `bad-request` */
  async readJson(): Promise<unknown> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.#request.iterator({ destroyOnReturn: false })) {
      size += (chunk as Buffer).length;
      if (size > mostBodyBytes) throw new NethoodError('too-large', `A request has at most ${mostBodyBytes} bytes.`);
      chunks.push(chunk as Buffer);
    }
    try {
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
    } catch (cause) {
      throw new NethoodError('bad-request', 'The body of the request is not JSON.', { cause });
    }
  }

  json(value: unknown, status = 200): Promise<void> {
    return this.#finish(JSON.stringify(value), status);
  }

  /** As the last line of a stream that has begun. */
  error(code: ErrorCode, message: string, status: number = errorTable[code].http): Promise<void> {
    const body = { error: { code, message: message.slice(0, longestMessage) } };
    if (!this.#response.headersSent) return this.json(body, status);
    this.#response.end(`${JSON.stringify(body)}\n`);
    return this.#ended();
  }

  /** One JSON document a line, each asked for only when the reader has taken the one before. */
  async lines(values: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
    this.#response.writeHead(200, { ...commonHeaders, 'content-type': 'application/x-ndjson' });
    this.#response.flushHeaders();
    let quiet = this.#quietLater();
    try {
      for await (const value of values) {
        quiet[Symbol.dispose]();
        if (!this.#response.write(`${JSON.stringify(value)}\n`)) await once(this.#response, 'drain', { signal });
        quiet = this.#quietLater();
      }
    } finally {
      quiet[Symbol.dispose]();
    }
    this.#response.end();
    await this.#ended();
  }

  /** An empty line now and then tells the reader that we live, and us that it does. */
  #quietLater(): Disposable {
    const later = (): Disposable =>
      this.#clock.timer(quietLineEveryMs, () => {
        this.#response.write('\n');
        timer = later();
      });
    let timer = later();
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }

  async #finish(text: string, status: number): Promise<void> {
    const whole = this.#request.complete;
    this.#response.writeHead(status, {
      ...commonHeaders,
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(whole ? {} : { connection: 'close' }),
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text) + 1,
    });
    this.#response.write(`${text}\n`);
    if (!whole) await this.#dropBody();
    this.#response.end();
    await this.#ended();
  }

  async #dropBody(): Promise<void> {
    this.#request.resume();
    const done = new AbortController();
    using _ = this.#clock.timer(drainMs, () => done.abort());
    try {
      await once(this.#request, 'end', { signal: done.signal });
    } catch {
      // The time is over, or the asker broke off: either way nobody reads on.
    }
  }

  async #ended(): Promise<void> {
    if (this.#response.writableFinished || this.#response.destroyed) return;
    await new Promise<void>((resolve) => this.#response.once('close', resolve));
  }
}

/** Nothing of this API is for a page to frame, store or guess about. */
const commonHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** What a schema found wrong, in one sentence; of many faults the first. @throws NethoodError `bad-request` */
export function badRequest(issues: readonly { path: PropertyKey[]; message: string }[]): NethoodError {
  const [first] = issues;
  const where =
    first === undefined || first.path.length === 0 ? 'The request' : `"${first.path.map(String).join('.')}"`;
  const fault = first === undefined ? 'fits no schema' : schemaFault(first);
  return new NethoodError('bad-request', `${where} ${fault.slice(0, 300)}.`);
}

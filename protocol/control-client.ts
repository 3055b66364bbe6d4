/** A typed client of the control API, for the tray, the command line and the page. */
import type { z } from 'zod';
import {
  type CallName,
  type CallRequest,
  type CallResponse,
  calls,
  ErrorBody,
  EventLine,
  JobView,
  Snapshot,
  type StreamName,
  streams,
} from './control.ts';
import { NethoodError } from './errors.ts';
import type { PrintQuery } from './print-order.ts';

export interface ControlClientOptions {
  /** `http://127.0.0.1:6630` */
  readonly url: string;
  readonly token: string;
  /** Default: the global one. */
  readonly fetch?: ControlFetch;
}

/** As much of `fetch` as is needed here, so that a program may bring a lighter one. */
export type ControlFetch = (url: string, init: ControlRequest) => Promise<ControlResponse>;

interface ControlRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  readonly redirect: 'error';
  readonly body?: string | ReadableStream<Uint8Array>;
  readonly duplex?: 'half';
  readonly signal?: AbortSignal;
}

export interface ControlResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

/** @throws NethoodError with the agent's code, or `no-agent` where nothing listens. */
export class ControlClient {
  readonly #options: ControlClientOptions;

  constructor(options: ControlClientOptions) {
    this.#options = options;
  }

  async snapshot(signal?: AbortSignal): Promise<Snapshot> {
    return this.#json({ method: 'GET', path: '/v1/snapshot', signal }, Snapshot);
  }

  async call<N extends CallName>(name: N, request: CallRequest<N>, signal?: AbortSignal): Promise<CallResponse<N>> {
    const exchange: Exchange = { method: 'POST', path: `/v1/${name}`, body: JSON.stringify(request), signal };
    const response: z.ZodType = calls[name].response;
    return (await this.#json(exchange, response)) as CallResponse<N>;
  }

  events(signal?: AbortSignal): AsyncGenerator<EventLine, void, undefined> {
    return this.#lines({ method: 'GET', path: '/v1/events', signal }, EventLine);
  }

  watch<N extends StreamName>(
    name: N,
    request: z.infer<(typeof streams)[N]['request']>,
    signal?: AbortSignal,
  ): AsyncGenerator<z.infer<(typeof streams)[N]['line']>, void, undefined> {
    const line: z.ZodType = streams[name].line;
    const lines = this.#lines({ method: 'POST', path: `/v1/${name}`, body: JSON.stringify(request), signal }, line);
    return lines as AsyncGenerator<z.infer<(typeof streams)[N]['line']>, void, undefined>;
  }

  async print(query: PrintQuery, document: ReadableStream<Uint8Array>, signal?: AbortSignal): Promise<JobView> {
    const given = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
    const text = new URLSearchParams(given);
    return this.#json({ method: 'POST', path: `/v1/print?${text.toString()}`, body: document, signal }, JobView);
  }

  async #json<T>(exchange: Exchange, schema: z.ZodType<T>): Promise<T> {
    const response = await this.#exchange(exchange);
    return schema.parse(JSON.parse(await unbroken(response.text(), exchange.signal)));
  }

  async *#lines<T>(exchange: Exchange, schema: z.ZodType<T>): AsyncGenerator<T, void, undefined> {
    const response = await this.#exchange(exchange);
    if (response.body === null) return;
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of chunksOf(response.body, exchange.signal)) {
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield parseLine(line, schema);
    }
  }

  async #exchange({ method, path, body, signal }: Exchange): Promise<ControlResponse> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#options.token}` };
    if (typeof body === 'string') headers['content-type'] = 'application/json';
    const init: ControlRequest = {
      method,
      headers,
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
      ...(typeof body === 'object' ? { duplex: 'half' } : {}),
      ...(signal === undefined ? {} : { signal }),
    };
    const response = await (this.#options.fetch ?? fetch)(`${this.#options.url}${path}`, init).catch(
      (cause: unknown) => {
        if (signal?.aborted === true) throw new NethoodError('cancelled', 'Cancelled.', { cause });
        throw new NethoodError('no-agent', 'No agent answers in this home; start one with `nethood start`.', { cause });
      },
    );
    if (!response.ok) throw errorOf(response.status, await unbroken(response.text(), signal));
    return response;
  }
}

async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (cause) {
    throw brokenOff(cause, signal);
  }
}

function unbroken(text: Promise<string>, signal: AbortSignal | undefined): Promise<string> {
  return text.catch((cause: unknown) => {
    throw brokenOff(cause, signal);
  });
}

function brokenOff(cause: unknown, signal: AbortSignal | undefined): NethoodError {
  if (signal?.aborted === true) return new NethoodError('cancelled', 'Cancelled.', { cause });
  return new NethoodError('interrupted', 'The agent went away in the middle of an answer.', { cause });
}

/** A stream that ends in the middle reports its error as its last line. */
function parseLine<T>(line: string, schema: z.ZodType<T>): T {
  const value: unknown = JSON.parse(line);
  const failed = ErrorBody.safeParse(value);
  if (failed.success) throw new NethoodError(failed.data.error.code, failed.data.error.message);
  return schema.parse(value);
}

function errorOf(status: number, text: string): NethoodError {
  const body = ErrorBody.safeParse(tryJson(text));
  if (body.success) return new NethoodError(body.data.error.code, body.data.error.message);
  return new NethoodError('internal', `The agent answered HTTP ${status}.`);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: an answer of something else than an agent; the caller names the HTTP status instead.
    return undefined;
  }
}

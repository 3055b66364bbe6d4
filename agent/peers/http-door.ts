/**
 * What the peers port and the guests port have in common once it is known who asks: refuse web pages and foreign
 * hosts, find the route, answer errors, and end bodies that do not move.
 */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorTable, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Asker } from '../trust/access.ts';
import { BodyWatch, type BodyLimits } from './body-watch.ts';
import { type OwnNames, refusalOf } from './host-header.ts';
import type { HttpRoute } from './neighbours.ts';

export interface HttpDoorDeps {
  readonly routes: readonly HttpRoute[];
  readonly own: OwnNames;
  readonly clock: Clock;
  readonly log: Log;
  readonly bodyLimits: BodyLimits;
}

export interface HttpVisitor {
  readonly asker: Asker;
  readonly address: string;
}

/** After an answer that did not wait for the whole body: time for the client to read it before the rest is cut off. */
const lingerMs = 5000;

export class HttpDoor implements Disposable {
  readonly #deps: HttpDoorDeps;
  readonly #bodies: BodyWatch;
  readonly #running = new Set<AbortController>();
  readonly #idle: (() => void)[] = [];

  constructor(deps: HttpDoorDeps) {
    this.#deps = deps;
    this.#bodies = new BodyWatch(deps.clock, deps.bodyLimits);
  }

  /** Calls back when no exchange is under way. */
  whenIdle(callback: () => void): void {
    if (this.#running.size === 0) callback();
    else this.#idle.push(callback);
  }

  refusalOf(request: IncomingMessage): NethoodError | undefined {
    return refusalOf(request, this.#deps.own);
  }

  /** Answers the request, whatever happens. */
  async handle({ asker, address }: HttpVisitor, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const controller = new AbortController();
    this.#running.add(controller);
    response.once('close', () => {
      this.#running.delete(controller);
      if (this.#running.size === 0) for (const callback of this.#idle.splice(0)) callback();
      if (!response.writableFinished) controller.abort(gone());
    });
    this.#linger(request, response);
    this.#bodies.watch(request, response);
    try {
      const refusal = this.refusalOf(request);
      if (refusal !== undefined) throw refusal;
      if (isPing(request)) response.end();
      else await this.#route({ asker, address, request, response, signal: controller.signal });
      if (!response.headersSent && !response.writableEnded) throw new Error('The route gave no answer.');
    } catch (error) {
      // They went away in the middle: nobody's fault, and nobody is left to be told.
      if (controller.signal.aborted) response.destroy();
      else this.#fail(error, response);
    }
  }

  /** Tells all exchanges under way to stop. */
  abort(): void {
    for (const controller of this.#running) controller.abort(gone());
  }

  [Symbol.dispose](): void {
    this.abort();
    this.#bodies[Symbol.dispose]();
  }

  #route(exchange: Omit<Parameters<HttpRoute['handle']>[0], 'path'>): Promise<void> {
    const [path = ''] = (exchange.request.url ?? '').split('?');
    const route = this.#deps.routes.find(({ prefix }) => path.startsWith(prefix));
    if (route === undefined) throw new NethoodError('not-found', 'Nothing is at this path.');
    return route.handle({ ...exchange, path: path.slice(route.prefix.length) });
  }

  #fail(error: unknown, response: ServerResponse): void {
    const { code, message, retryAfterMs } = toNethoodError(error);
    if (code === 'internal') this.#deps.log.error({ err: error }, 'A request failed by our own fault.');
    if (response.headersSent || response.destroyed) {
      // The client must not take half a body for the whole.
      response.destroy();
      return;
    }
    // What went wrong inside is for the log, not for the network.
    const told = code === 'internal' ? 'The agent failed to answer; its log has the details.' : message;
    response.statusCode = errorTable[code].http;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.setHeader('content-type', 'application/json');
    if (retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000));
    const body = JSON.stringify({ error: { code, message: told } });
    response.setHeader('content-length', Buffer.byteLength(body));
    this.#endAfterBody(response, body);
  }

  /** A socket closed while the client still sends is reset, and the answer with it: the rest of the body is let in first. */
  #endAfterBody(response: ServerResponse, body: string): void {
    const { req: request } = response;
    // The request may have lost it, where who read it has destroyed it.
    const { socket } = response;
    if (request.complete) return void response.end(body);
    response.write(body);
    const timer = this.#deps.clock.timer(lingerMs, () => socket?.destroy());
    const end = (): void => {
      timer[Symbol.dispose]();
      if (!response.writableEnded) response.end();
    };
    for (const ended of ['end', 'close']) request.once(ended, end);
    request.resume();
  }

  /**
   * The rest of a body that nobody wanted is read and dropped for a while. Node does so only where nothing of it was read;
   * else it would stay in the way of the connection's next request.
   */
  #linger(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    response.once('finish', () => {
      request.resume();
      if (request.complete) return;
      const timer = this.#deps.clock.timer(lingerMs, () => socket.destroy());
      for (const ended of ['end', 'close']) request.once(ended, () => timer[Symbol.dispose]());
    });
  }
}

/**
 * Time-outs of an http.Server that is fed sockets instead of listening: Node starts its check of them when it hears
 * `listening`, so it is told. Idle connections end after a minute, bodies are the BodyWatch's affair.
 */
export const httpTimeouts = {
  headersTimeout: 10_000,
  requestTimeout: 0,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
} as const;

export type HttpTimeouts = { readonly [Name in keyof typeof httpTimeouts]: number };

/** A server for sockets that arrive by `emit('connection')`; see `httpTimeouts`. */
export function fedHttpServer(timeouts: HttpTimeouts): Server {
  const server = createHttpServer(timeouts);
  server.emit('listening');
  return server;
}

function isPing({ method, url }: IncomingMessage): boolean {
  return method === 'OPTIONS' && url === '*';
}

function gone(): NethoodError {
  return new NethoodError('interrupted', 'The other side is gone, or the port was closed.');
}

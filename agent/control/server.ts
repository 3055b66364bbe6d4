/**
 * The control API on loopback: the guard, then one route. Sockets come from servers that already listen (the port
 * block owns them); this part owns what happens on them.
 */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { isForMounts, mountPrefix, type Mounts } from '../files/mounts.ts';
import { type Gateway, gatewayPrefix } from '../printing/gateway.ts';
import { Answer } from './answer.ts';
import type { ControlActions } from './control-actions.ts';
import { doorRefusalOf, type GuardRequest, refusalOf, type Refusal } from './guard.ts';
import { routeOf } from './routes.ts';
import type { SnapshotStore } from './snapshot.ts';

export interface ControlServerDeps {
  /** Already listening, on loopback only. */
  readonly servers: readonly NetServer[];
  readonly port: number;
  readonly token: string;
  readonly store: SnapshotStore;
  readonly actions: ControlActions;
  /** Whoever has one of these two needs no token: they have keys of their own. */
  readonly gateway: Pick<Gateway, 'handle'>;
  readonly mounts: Pick<Mounts, 'handle'>;
  readonly log: Log;
  readonly clock: Clock;
  /** Default 10 s. */
  readonly headersTimeoutMs?: number;
}

/** No byte in either direction for so long ends a connection; streams say something every 15 s. */
const stallMs = 60_000;
/** What is under way when the agent stops (the answer to `stop` itself) has so long to end. */
const graceMs = 1_000;
const refusalsLoggedEveryMs = 1_000;

export function createControlServer(deps: ControlServerDeps): AsyncDisposable {
  const http = createHttpServer(deps.headersTimeoutMs ?? 10_000);
  const scope = new Scope();
  const underWay = new Set<Promise<void>>();
  const refused = refusalLog(deps);
  http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const exchange = serve(deps, { request, response, ending: scope.signal, refused });
    underWay.add(exchange);
    void exchange.finally(() => underWay.delete(exchange));
  });
  const accept = (socket: Socket): void => {
    if (scope.signal.aborted) socket.destroy();
    else http.emit('connection', socket);
  };
  for (const server of deps.servers) server.on('connection', accept);
  // Without it an inner server never looks at its time-outs.
  http.emit('listening');
  scope.defer(async () => {
    // Never listening itself, it has nothing to close but its timer and its connections.
    http.close();
    using _ = deps.clock.timer(graceMs, () => http.closeAllConnections());
    await Promise.all(underWay);
    http.closeAllConnections();
  });
  return { [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
}

function createHttpServer(headersTimeout: number): HttpServer {
  const http = createServer({
    headersTimeout,
    // A document may take its time; that its bytes do not stall is what `timeout` sees to.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1_000, headersTimeout),
  });
  http.timeout = stallMs;
  return http;
}

type LocalDoor = Pick<Gateway, 'handle'> | Pick<Mounts, 'handle'>;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly ending: AbortSignal;
  readonly refused: (message: string) => void;
}

/** Never fails: whatever goes wrong is the answer, or in the log. */
async function serve(deps: ControlServerDeps, { request, response, ending, refused }: Exchange): Promise<void> {
  const answer = new Answer(request, response, deps.clock);
  const left = new AbortController();
  response.once('close', () => left.abort(new NethoodError('cancelled', 'The asker went away.')));
  const signal = AbortSignal.any([left.signal, ending]);
  const target = request.url ?? '';
  try {
    const asked = { method: request.method ?? '', target, headers: request.headersDistinct };
    const refusal = refusalFor(deps, asked);
    if (refusal === undefined) {
      const door = doorFor(deps, asked);
      if (door !== undefined) return await door.handle(target, { request, response, signal });
      return await routeOf(asked.method, target)(deps, answer, signal);
    }
    refused(refusal.message);
    await answer.error(refusal.code, refusal.message, refusal.status);
  } catch (error) {
    if (left.signal.aborted) return;
    const { code, message } = toNethoodError(ending.aborted ? endingError() : error);
    if (code === 'internal') deps.log.error({ error, route: loggedRoute(target) }, 'a call failed');
    await answer.error(code, message);
  }
}

/** Print systems and file managers have no token. */
function refusalFor(deps: ControlServerDeps, asked: GuardRequest): Refusal | undefined {
  return doorFor(deps, asked) === undefined ? refusalOf(asked, deps) : doorRefusalOf(asked, deps);
}

function doorFor({ gateway, mounts }: ControlServerDeps, { method, target }: GuardRequest): LocalDoor | undefined {
  if (target.startsWith(gatewayPrefix)) return gateway;
  return isForMounts(method, target) ? mounts : undefined;
}

/** The path of a drive is its key. */
function loggedRoute(target: string): string {
  return target.startsWith(mountPrefix) ? mountPrefix : (target.split('?')[0] ?? '').slice(0, 100);
}

function endingError(): NethoodError {
  return new NethoodError('interrupted', 'The agent stops.');
}

/** One line a second at most, with how many there were. */
function refusalLog({ log, clock }: ControlServerDeps): (message: string) => void {
  let count = 0;
  let last = -Infinity;
  return (message) => {
    count++;
    if (clock.now() - last < refusalsLoggedEveryMs) return;
    log.warn({ count, message }, 'refused on the loopback port');
    last = clock.now();
    count = 0;
  };
}

/** Which path does what. Everything unknown is `not-found`. */
import type { z } from 'zod';
import { type CallName, calls, type StreamName, streams } from '../../protocol/control.ts';
import { PrintQuery } from '../../protocol/print-order.ts';
import type { Clock } from '../base/clock.ts';
import { type Answer, badRequest } from './answer.ts';
import type { ControlActions } from './control-actions.ts';
import { eventLines } from './events.ts';
import type { SnapshotStore } from './snapshot.ts';

interface RouteDeps {
  readonly store: SnapshotStore;
  readonly actions: ControlActions;
  readonly clock: Clock;
}

type Route = (deps: RouteDeps, answer: Answer, signal: AbortSignal) => Promise<void>;

export function routeOf(method: string, target: string): Route {
  const [path = '', query = ''] = target.split('?', 2);
  if (method === 'GET') return getRoute(path);
  return (method === 'POST' ? postRoute(path, query) : undefined) ?? nothingHere;
}

function getRoute(path: string): Route {
  if (path === '/v1/snapshot') return ({ store }, answer) => answer.json(store.current());
  if (path === '/v1/events') return (deps, answer, signal) => answer.lines(eventLines(deps, signal), signal);
  if (path === '/')
    return (_deps, answer) => answer.error('not-found', 'There is no page yet; `nethood help` says what there is.');
  return nothingHere;
}

function postRoute(path: string, query: string): Route | undefined {
  const name = /^\/v1\/([a-z-]+)$/.exec(path)?.[1] ?? '';
  if (name === 'print') return printRoute(query);
  if (isCall(name)) return callRoute(name);
  return isStream(name) ? streamRoute(name) : undefined;
}

function callRoute(name: CallName): Route {
  return async ({ actions }, answer, signal) => {
    const request = parsed<unknown>(calls[name].request, await answer.readJson());
    // The table pairs each schema with its call; TypeScript cannot follow that over a union of names.
    const call = actions.calls[name] as (request: unknown, signal: AbortSignal) => Promise<unknown>;
    await answer.json(await call(request, signal));
  };
}

function streamRoute(name: StreamName): Route {
  return async ({ actions }, answer, signal) => {
    const request = parsed<unknown>(streams[name].request, await answer.readJson());
    const watch = actions.streams[name] as (request: unknown, signal: AbortSignal) => AsyncIterable<unknown>;
    await answer.lines(watch(request, signal), signal);
  };
}

function printRoute(query: string): Route {
  return async ({ actions }, answer, signal) => {
    const order = parsed(PrintQuery, Object.fromEntries(new URLSearchParams(query)));
    await answer.json(await actions.print(order, answer.body, signal));
  };
}

const nothingHere: Route = (_deps, answer) => answer.error('not-found', 'There is nothing at this address.');

function isCall(name: string): name is CallName {
  return Object.hasOwn(calls, name);
}

function isStream(name: string): name is StreamName {
  return Object.hasOwn(streams, name);
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw badRequest(result.error.issues);
  return result.data;
}

/**
 * Who may speak to the loopback port at all. Every local user and every page in the user's browser can reach it, so:
 * the Host must be one of our own names (a rebound name arrives with its own), an Origin must be ours, the browser must
 * not call the request foreign, and all but the page itself wants the bearer token. Pure.
 */
import type { ErrorCode } from '../../protocol/errors.ts';
import { sameToken } from './token.ts';

export interface GuardRules {
  readonly port: number;
  readonly token: string;
}

/** As node gives it in `headersDistinct`: each header with all its values. */
export interface GuardRequest {
  readonly method: string;
  /** The request target, as it came. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string[] | undefined>>;
}

export interface Refusal {
  readonly status: 400 | 401 | 403 | 421;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Undefined = go on. */
export function refusalOf(request: GuardRequest, rules: GuardRules): Refusal | undefined {
  return (
    refuseDoubled(request) ??
    refuseHost(request, rules) ??
    refuseForeignPage(request, rules) ??
    refuseStranger(request, rules)
  );
}

/** As `refusalOf`, for printers and drives: no page of any origin asks those, and their doors want keys of their own. */
export function doorRefusalOf(request: GuardRequest, rules: Pick<GuardRules, 'port'>): Refusal | undefined {
  return (
    refuseDoubled(request) ??
    refuseHost(request, rules) ??
    (request.headers['origin'] === undefined ? undefined : foreignPage) ??
    refuseForeignPage(request, rules)
  );
}

/** Programs disagree on which of two counts: what they disagree on is refused. */
function refuseDoubled({ headers }: GuardRequest): Refusal | undefined {
  const doubled = ['host', 'origin', 'authorization', 'sec-fetch-site'].find(
    (name) => (headers[name]?.length ?? 0) > 1,
  );
  if (doubled === undefined) return undefined;
  return { status: 400, code: 'bad-request', message: `The header ${doubled} comes twice.` };
}

/** RFC 9110 7.4: 421 is for a request that was led to the wrong server. A target with an authority of its own would outrank Host (RFC 9112 3.2.2). */
function refuseHost({ headers, target }: GuardRequest, { port }: Pick<GuardRules, 'port'>): Refusal | undefined {
  const host = headers['host']?.[0]?.toLowerCase();
  if (host !== undefined && authorities(port).includes(host) && target.startsWith('/')) return undefined;
  return { status: 421, code: 'not-permitted', message: 'This port answers to the name of its own PC alone.' };
}

function refuseForeignPage({ headers }: GuardRequest, { port }: Pick<GuardRules, 'port'>): Refusal | undefined {
  const origin = headers['origin']?.[0];
  const site = headers['sec-fetch-site']?.[0];
  // Another port of this PC is `same-site`, and as foreign as any other page.
  const own = origin === undefined || authorities(port).some((authority) => origin === `http://${authority}`);
  if (own && (site === undefined || site === 'same-origin' || site === 'none')) return undefined;
  return foreignPage;
}

const foreignPage: Refusal = {
  status: 403,
  code: 'not-permitted',
  message: 'Pages of other places may not ask this agent.',
};

function refuseStranger(request: GuardRequest, { token }: GuardRules): Refusal | undefined {
  if (isFree(request)) return undefined;
  const given = /^Bearer ([A-Za-z0-9_-]{1,128})$/i.exec(request.headers['authorization']?.[0] ?? '')?.[1];
  if (given !== undefined && sameToken(given, token)) return undefined;
  return { status: 401, code: 'unauthorized', message: 'The token of this agent is missing or wrong.' };
}

/** The page and its parts: they tell nothing and change nothing. */
function isFree({ method, target }: GuardRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && target !== '/v1' && !target.startsWith('/v1/');
}

function authorities(port: number): string[] {
  return [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
}

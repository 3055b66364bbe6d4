/** The IPP front at a path, whose code is loaded when the first request comes: an agent that shares no printer never sees one. */
import type { HttpRoute } from '../peers/neighbours.ts';
import type { IppFrontDeps } from './ipp-exchange.ts';

export function createIppRoute(deps: IppFrontDeps): HttpRoute {
  return {
    prefix: deps.prefix,
    handle: async (exchange) => (await import('./ipp-front.ts')).answerIpp(deps, exchange),
  };
}

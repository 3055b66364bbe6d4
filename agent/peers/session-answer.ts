import type { PeerRequest, PeerResult, PeerRequestType } from '../../protocol/peer.ts';
import type { Asker } from '../trust/access.ts';
import type { PeerHandlers } from './neighbours.ts';

/** Whatever the handler of the request's type answers. A handler that throws at once fails like one that rejects. */
export async function answerRequest(
  handlers: PeerHandlers,
  asker: Asker,
  request: PeerRequest,
  signal: AbortSignal,
): Promise<PeerResult<PeerRequestType>> {
  if (request.type === 'ping') return {};
  // The table pairs each type with its handler; TypeScript cannot follow that over a union of types.
  type Handler = (asker: Asker, ask: PeerRequest, signal: AbortSignal) => Promise<PeerResult<PeerRequestType>>;
  const handler = handlers[request.type] as Handler;
  return handler(asker, request, signal);
}

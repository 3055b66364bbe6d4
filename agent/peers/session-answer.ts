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
  switch (request.type) {
    case 'ping':
      return {};
    case 'stat':
      return handlers.stat(asker, request, signal);
    case 'list':
      return handlers.list(asker, request, signal);
    case 'walk':
      return handlers.walk(asker, request, signal);
    case 'mkdir':
      return handlers.mkdir(asker, request, signal);
    case 'move':
      return handlers.move(asker, request, signal);
    case 'copy':
      return handlers.copy(asker, request, signal);
    case 'remove':
      return handlers.remove(asker, request, signal);
  }
}

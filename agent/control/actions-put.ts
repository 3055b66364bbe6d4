/** The call `put`: from a path of this PC to a share of a neighbour. */
import type { CallRequest, CallResponse } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { typedPathReadings } from '../../protocol/wire-path.ts';
import { absolute, shareNamed } from './actions-files.ts';
import { readyNeighbour } from './actions-neighbours.ts';
import type { ActionDeps, ControlCalls } from './control-actions.ts';
import { patiently } from './patience.ts';

type PutDeps = Pick<ActionDeps, 'clock' | 'transfers' | 'neighbours'>;

export function putCalls(deps: PutDeps): Pick<ControlCalls, 'put'> {
  return { put: (request, signal) => patiently(deps, request.neighbour, signal, () => put(deps, request, signal)) };
}

async function put(deps: PutDeps, request: CallRequest<'put'>, signal: AbortSignal): Promise<CallResponse<'put'>> {
  const source = absolute(request.source, 'file or folder to put');
  const neighbour = await readyNeighbour(deps.neighbours, request.neighbour, signal);
  const share = shareNamed(neighbour, request.share);
  const place = `${neighbour.name}/${share.name}`;
  if (share.rights !== 'write')
    throw new NethoodError('not-permitted', `"${place}" can be read by this device, not written.`);
  const { into = false, keep = false } = request;
  const readings = typedPathReadings(request.path);
  return deps.transfers.put({ neighbour: neighbour.id, share: share.id, readings, source, place, into, keep });
}

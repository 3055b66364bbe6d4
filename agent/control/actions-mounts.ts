/** Calls about drives: the neighbourhood, or a part of it, for the programs of this PC. */
import type { CallRequest } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { MountPlace } from '../files/mounts.ts';
import { shareNamed } from './actions-files.ts';
import { readyNeighbour } from './actions-neighbours.ts';
import type { ActionDeps, ControlCalls } from './control-actions.ts';

type MountDeps = Pick<ActionDeps, 'mounts' | 'neighbours'>;
type MountCalls = Pick<ControlCalls, 'mount' | 'mount-revoke' | 'mounts'>;

export function mountCalls(deps: MountDeps): MountCalls {
  const { mounts } = deps;
  return {
    mount: async (request, signal) => mounts.add(await placeOf(deps, request, signal)),
    'mount-revoke': ({ neighbour, share }) => mounts.revoke(neighbour, share),
    mounts: async () => ({ mounts: [...mounts.list()] }),
  };
}

async function placeOf(
  { neighbours }: MountDeps,
  { neighbour: text, share }: CallRequest<'mount'>,
  signal: AbortSignal,
): Promise<MountPlace> {
  if (text === undefined) {
    if (share !== undefined) throw new NethoodError('bad-request', 'A share is mounted with the name of its owner.');
    return {};
  }
  const neighbour = await readyNeighbour(neighbours, text, signal);
  return share === undefined ? { neighbour } : { neighbour, share: shareNamed(neighbour, share) };
}

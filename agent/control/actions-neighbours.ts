/** Calls about neighbours, and how one that a person named is made ready to be asked. */
import type { Neighbour } from '../peers/neighbours.ts';
import type { ActionDeps, ControlCalls, NeighbourTable } from './control-actions.ts';
import { neighbourView } from './views.ts';

type NeighbourCalls = Pick<ControlCalls, 'neighbour' | 'neighbour-add' | 'neighbour-forget'>;

export function neighbourCalls({ neighbours }: Pick<ActionDeps, 'neighbours'>): NeighbourCalls {
  return {
    async neighbour({ neighbour }, signal) {
      return neighbourView(await readyNeighbour(neighbours, neighbour, signal));
    },
    async 'neighbour-add'({ address }, signal) {
      return neighbourView(await neighbours.addByHand(address, signal));
    },
    async 'neighbour-forget'({ neighbour }) {
      await neighbours.forget(neighbours.find(neighbour).id);
      return {};
    },
  };
}

/** What it shares is known only in a session: without one, the first question is whether it is there. @throws NethoodError `not-found`, `ambiguous`, `unreachable` */
export async function readyNeighbour(
  neighbours: Pick<NeighbourTable, 'find' | 'get' | 'request'>,
  text: string,
  signal: AbortSignal,
): Promise<Neighbour> {
  const found = neighbours.find(text);
  if (found.state === 'ready') return found;
  await neighbours.request(found.id, 'ping', {}, signal);
  return neighbours.get(found.id) ?? found;
}

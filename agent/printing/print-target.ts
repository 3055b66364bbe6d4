/** What a person means by `--on`: an own printer, or `<neighbour>/<printer>`. */
import { NethoodError } from '../../protocol/errors.ts';
import type { DeviceId, QueueName } from '../../protocol/ids.ts';
import type { RemotePrinter } from '../../protocol/resources.ts';
import type { Neighbour, Neighbours } from '../peers/neighbours.ts';
import type { Destination } from './job.ts';
import type { Printer } from './printer.ts';

export interface PrintTarget {
  readonly destination: Destination;
  /** For people. */
  readonly label: string;
  /** Absent for a neighbour's. */
  readonly own?: Printer;
}

export interface TargetDeps {
  own(text: string): readonly Printer[];
  readonly neighbours: Neighbours;
  /** Printers that a neighbour had when it was last here; a job for one of them waits until it is back. */
  lastSeen(device: DeviceId): readonly RemotePrinter[];
}

/** @throws NethoodError `not-found`, `ambiguous`, `unreachable` (the neighbour is not here and its printer not known) */
export function printTarget(on: string, deps: TargetDeps): PrintTarget {
  const own = deps.own(on);
  if (own.length > 1)
    throw new NethoodError('ambiguous', `"${on}" fits several printers: ${own.map(({ id }) => id).join(', ')}.`);
  const [printer] = own;
  if (printer !== undefined) return { destination: printer.destination, label: printer.id, own: printer };
  const slash = on.lastIndexOf('/');
  if (slash < 1)
    throw new NethoodError(
      'not-found',
      `There is no printer "${on}" here; a neighbour's is named <neighbour>/<printer>.`,
    );
  return remoteTarget(deps.neighbours.find(on.slice(0, slash)), on.slice(slash + 1), deps);
}

function remoteTarget(neighbour: Neighbour, text: string, deps: TargetDeps): PrintTarget {
  const ready = neighbour.state === 'ready';
  const offered = ready ? neighbour.resources.printers : deps.lastSeen(neighbour.id);
  const queue = queueNamed(text, offered, neighbour);
  if (queue !== undefined) return { destination: { device: neighbour.id, queue }, label: `${neighbour.name}/${queue}` };
  if (ready) throw new NethoodError('not-found', `${neighbour.name} offers no printer "${text}".`);
  throw new NethoodError('unreachable', `${neighbour.name} is not here now, and its printer "${text}" is not known.`);
}

function queueNamed(text: string, offered: readonly RemotePrinter[], neighbour: Neighbour): QueueName | undefined {
  const exact = offered.find(({ id }) => id === text);
  if (exact !== undefined) return exact.id;
  const named = offered.filter(({ name }) => name === text);
  if (named.length > 1)
    throw new NethoodError(
      'ambiguous',
      `"${text}" fits several printers of ${neighbour.name}: ${named.map(({ id }) => id).join(', ')}.`,
    );
  return named[0]?.id;
}

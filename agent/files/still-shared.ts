import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { DeviceId, ShareId } from '../../protocol/ids.ts';
import type { Neighbours } from '../peers/neighbours.ts';

interface Meant {
  readonly neighbours: Pick<Neighbours, 'get'>;
  readonly neighbour: DeviceId;
  readonly share: ShareId;
  /** For people. */
  readonly what: string;
}

/** Its owner says of a share that was taken back what is said of one that never was; here it is known which was meant. */
export async function whileShared<T>({ neighbours, neighbour, share, what }: Meant, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const shares = neighbours.get(neighbour)?.resources.shares;
    if (!hasCode(error, 'not-found') || shares === undefined || shares.some(({ id }) => id === share)) throw error;
    throw new NethoodError('not-found', `"${what}" is no longer shared with this device.`, { cause: error });
  }
}

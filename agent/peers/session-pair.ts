/** Of two sessions with one neighbour, which stays. Both sides come to the same answer without a word. */
import type { BootId, DeviceId } from '../../protocol/ids.ts';

export interface Rival {
  readonly boot: BootId;
  /** By us. */
  readonly dialled: boolean;
}

/**
 * `current` was ready first. A new boot is a new process, so the old session is dead whatever it seems. Of one boot, the
 * session that the smaller DeviceId dialled stays; if one side dialled both, it had given up the first.
 */
export function newcomerStays(self: DeviceId, peer: DeviceId, current: Rival, newcomer: Rival): boolean {
  if (current.boot !== newcomer.boot || current.dialled === newcomer.dialled) return true;
  return newcomer.dialled === self < peer;
}

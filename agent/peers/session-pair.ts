/** Of two sessions with one neighbour, which stays. Both sides come to the same answer without a word. */
import type { BootId, DeviceId } from '../../protocol/ids.ts';

export interface Rival {
  readonly boot: BootId;
  /** By us. */
  readonly dialled: boolean;
}

/** Two dials that cross do so within less: each side ends its own as soon as the other's is a session. */
export const crossingMs = 2_000;

/**
 * `current` was ready first, `ahead` milliseconds before the newcomer was opened. A new boot is a new process, so the old
 * session is dead whatever it seems. Nobody dials whom it has a session with: whoever comes so long after has given up the
 * first, as has one who dialled both. Else the dials crossed, and the one of the smaller DeviceId stays.
 */
export function newcomerStays(
  { self, peer, ahead }: { self: DeviceId; peer: DeviceId; ahead: number },
  current: Rival,
  newcomer: Rival,
): boolean {
  if (current.boot !== newcomer.boot || current.dialled === newcomer.dialled || ahead >= crossingMs) return true;
  return newcomer.dialled === self < peer;
}

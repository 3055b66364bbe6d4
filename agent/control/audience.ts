/** `--for` as typed, into full ids: a name can be taken by another device later, an id cannot. */
import { NethoodError } from '../../protocol/errors.ts';
import { DeviceId } from '../../protocol/ids.ts';
import type { Audience } from '../../protocol/resources.ts';
import type { Neighbour, Neighbours } from '../peers/neighbours.ts';

/** So many characters of an id (80 bits) cannot be had by trying keys. */
const provingLength = 16;

/** @throws NethoodError `not-found`, `ambiguous`, `not-permitted` (a stranger's name that nothing proves) */
export function resolveAudience(text: string | readonly string[], neighbours: Pick<Neighbours, 'find'>): Audience {
  if (text === 'everyone' || text === 'colleagues') return text;
  const names = typeof text === 'string' ? [text] : text;
  return [...new Set(names.map((name) => resolveDevice(name, neighbours)))];
}

function resolveDevice(name: string, neighbours: Pick<Neighbours, 'find'>): DeviceId {
  // A whole id says whom it means, seen before or not.
  const whole = DeviceId.safeParse(name);
  if (whole.success) return whole.data;
  const neighbour = neighbours.find(name);
  if (neighbour.trust === 'blocked')
    throw new NethoodError('not-permitted', `"${neighbour.name}" is blocked; nothing is shared with it.`);
  if (neighbour.trust === 'stranger' && !isProved(name, neighbour))
    throw new NethoodError(
      'not-permitted',
      `"${neighbour.name}" is not in session now, and its name alone proves nothing; name it by ${provingLength} characters or more of its id.`,
    );
  return neighbour.id;
}

/** A session proves the key; so does much of the id itself. Otherwise anybody could call itself by that name. */
function isProved(name: string, { id, state }: Neighbour): boolean {
  return state === 'ready' || (name.length >= provingLength && id.startsWith(name.toLowerCase()));
}

import { NethoodError } from '../../protocol/errors.ts';
import type { Spot } from './local-spot.ts';
import { checkPortable, NameTwins } from './new-name.ts';
import { ShareRoom, type ShareRoomDeps } from './share-room.ts';
import { Slots } from './slots.ts';

/** What all who change one share have in common, whoever they are. */
export interface ShareChanges {
  /** One at a time looks what a name stands for and gives it to something else. Bodies and trees are moved outside. */
  readonly naming: Slots;
  readonly twins: NameTwins;
  readonly room: ShareRoom;
}

export function newShareChanges(deps: ShareRoomDeps): ShareChanges {
  return { naming: new Slots(1), twins: new NameTwins(deps.clock), room: new ShareRoom(deps) };
}

/**
 * Whether the name of the spot, where nothing is, may be given.
 * @param leaving what will no longer be there, such as the old name of what is moved @throws `bad-path`, `exists`
 */
export async function checkNew(spot: Spot, { twins }: ShareChanges, leaving?: Buffer): Promise<void> {
  checkPortable(spot.name, spot.what);
  const twin = await twins.twinOf(spot.folder, spot.name);
  if (twin === undefined || leaving?.equals(twin) === true) return;
  throw new NethoodError('exists', `"${twin.toString()}" is there already, and some systems take ${spot.what} for it.`);
}

import { randomBytes } from 'node:crypto';
import { NethoodError } from '../../protocol/errors.ts';
import type { Spot } from './local-spot.ts';
import { NameTwins } from './name-twins.ts';
import { checkPortable } from './new-name.ts';
import { ShareRoom, type ShareRoomDeps } from './share-room.ts';
import { Slots } from './slots.ts';

/** What all who change one share have in common, whoever they are. */
export interface ShareChanges {
  /** One at a time looks what a name stands for and gives it to something else. Bodies and trees are moved outside. */
  readonly naming: Slots;
  readonly twins: NameTwins;
  readonly room: ShareRoom;
  /** Remembers a folder in which something without a name is about to be made. */
  readonly note: (folder: readonly Uint8Array[]) => Promise<void>;
}

export interface ShareChangesDeps extends ShareRoomDeps, Pick<ShareChanges, 'note'> {}

export function newShareChanges(deps: ShareChangesDeps): ShareChanges {
  return { naming: new Slots(1), twins: new NameTwins(deps.clock), room: new ShareRoom(deps), note: deps.note };
}

/** A name beside that of the spot which nobody lists and opens, for what may be left there by a crash. */
export async function hiddenBeside({ components }: Spot, changes: ShareChanges): Promise<Buffer> {
  await changes.note(components.slice(0, -1));
  return Buffer.from(`.${randomBytes(4).toString('hex')}.nethood-part`);
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

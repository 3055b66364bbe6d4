/**
 * Names of neighbours and their shares as folders of a drive. A name once given to a device stays its own: another one
 * that calls itself the same gets its id beside it, so that what is saved at a path never lands at a stranger's. Pure.
 */
import { z } from 'zod';
import { DeviceId, DisplayName, shortId } from '../../protocol/ids.ts';
import type { RemoteShare } from '../../protocol/resources.ts';
import { foldedName, localName } from './local-name.ts';

export const GivenName = z.object({
  id: DeviceId,
  /** As the device called itself then. */
  called: DisplayName,
  /** Its folder. */
  name: z.string().min(1).max(255),
});
export type GivenName = z.infer<typeof GivenName>;

interface Called {
  readonly id: DeviceId;
  readonly name: string;
}

/** Of all that are known, in their order. Whoever renamed itself has another name, whoever is forgotten none. */
export function namesGiven(given: readonly GivenName[], known: readonly Called[]): readonly GivenName[] {
  const before = new Map(given.map((each) => [each.id, each]));
  const kept = known.flatMap(({ id, name }) => {
    const own = before.get(id);
    return own?.called === name ? [own] : [];
  });
  const names = new Map(kept.map((each) => [each.id, each]));
  const taken = new Set(kept.map(({ name }) => fold(name)));
  for (const { id, name: called } of known) {
    if (names.has(id)) continue;
    const name = firstFree([called, `${called} (${shortId(id)})`, id], taken);
    names.set(id, { id, called, name });
  }
  return known.flatMap(({ id }) => names.get(id) ?? []);
}

/** Of one neighbour's shares, in their order. Its own agent gives no name twice; another may. */
export function shareFolders(shares: readonly RemoteShare[]): readonly string[] {
  const taken = new Set<string>();
  return shares.map(({ id, name }) => firstFree([name, `${name} (${id.slice(0, 8)})`, id], taken));
}

/** A name that every system can show, without slash: drives are mounted by all of them. */
export function folderName(called: string): string {
  return localName(Buffer.from(called), 'win32').toString();
}

/** The last of the wishes is an id, which nobody else is. */
function firstFree(wishes: readonly string[], taken: Set<string>): string {
  const names = wishes.map(folderName);
  const name = names.find((each) => !taken.has(fold(each))) ?? names.at(-1) ?? '';
  taken.add(fold(name));
  return name;
}

function fold(name: string): string {
  return foldedName(Buffer.from(name), 'win32');
}

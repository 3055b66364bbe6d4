import type { GuardedFolder } from './guarded-folder.ts';
import { namesIn } from './new-name.ts';

/** Of one folder; in a larger one each name is looked at alone. */
const mostNames = 50_000;

/** What is in a folder, each name made by `keyOf`; undefined where that is too much. One reading is cheaper than a look at each of many files. */
export async function namesOfFolder(
  folder: GuardedFolder,
  keyOf: (name: Buffer) => string,
): Promise<Set<string> | undefined> {
  const names = new Set<string>();
  for await (const name of namesIn(folder)) {
    names.add(keyOf(name));
    if (names.size > mostNames) return undefined;
  }
  return names;
}

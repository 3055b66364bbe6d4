/** The names that a received file may get, best first. Without wire paths and schemas, so that a thread loads quickly. */
import { numberedName } from './local-name.ts';
import { joinLocal, type LocalPath } from './local-path.ts';

const mostNumbers = 10_000;

/** `report.pdf`, `report (2).pdf`, … */
export function* finalNames(folder: LocalPath, name: Buffer): Generator<LocalPath, void> {
  yield joinLocal(folder, name);
  for (let number = 2; number < mostNumbers; number++) yield joinLocal(folder, numberedName(name, number));
}

/** What a system says that gives files no second name: FAT, and some network file systems. */
export const withoutLinks: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'];

/** A folder in memory, so that no disk is measured, and the file to move. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Workspace extends AsyncDisposable {
  readonly folder: string;
  /** Why it may be slower than memory, one sentence; undefined where it is memory. */
  readonly warning: string | undefined;
}

/** In /dev/shm where that has room for so many bytes, else in the system's temporary folder. */
export async function openWorkspace(bytes: number): Promise<Workspace> {
  const shared = await statfs('/dev/shm').catch(() => undefined);
  const inMemory = shared !== undefined && shared.bavail * shared.bsize > bytes;
  const folder = await mkdtemp(join(inMemory ? '/dev/shm' : tmpdir(), 'nethood-bench-'));
  return {
    folder,
    warning: inMemory ? undefined : `/dev/shm is missing or too small; ${folder} may lie on a disk.`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Random, each mebibyte another one, so that nothing is gained by compressing or by finding twins. */
export async function writeRandomFile(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (let left = bytes; left > 0; left -= 1 << 20) await file.writeFile(randomBytes(Math.min(left, 1 << 20)));
  } finally {
    await file.close();
  }
}

/** So many files of random bytes in a new folder. */
export async function writeSmallFiles(
  folder: string,
  { files, bytes }: { files: number; bytes: number },
): Promise<void> {
  await mkdir(folder);
  for (let at = 0; at < files; at++) await writeFile(join(folder, `file ${at}.bin`), randomBytes(bytes));
}

/** Files, or folders of files. @throws Error where the two differ: a fast wrong answer is none */
export async function assertSame(wanted: string, got: string): Promise<void> {
  if (!(await stat(wanted)).isDirectory()) return assertSameContent(wanted, got);
  const [names, gotNames] = [await readdir(wanted), await readdir(got)];
  if (names.join('/') !== gotNames.join('/')) throw new Error(`${got} has other files than ${wanted}.`);
  for (const name of names)
    if (!(await readFile(join(wanted, name))).equals(await readFile(join(got, name))))
      throw new Error(`${name} differs in ${got}.`);
}

async function assertSameContent(wanted: string, got: string): Promise<void> {
  const [left, right] = [wanted, got].map((path) =>
    createReadStream(path, { highWaterMark: 1 << 20 })[Symbol.asyncIterator](),
  );
  if (left === undefined || right === undefined) throw new Error('There is nothing to compare.');
  for (;;) {
    const [a, b] = await Promise.all([left.next(), right.next()]);
    if (a.done === true && b.done === true) return;
    if (a.done === true || b.done === true || !(a.value as Buffer).equals(b.value as Buffer))
      throw new Error(`${got} differs from ${wanted}.`);
  }
}

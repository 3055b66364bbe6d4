import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * A folder for its owner alone, and those above it. Node's own `recursive` never ends where a system answers ENOENT
 * although the folder above is there, as /proc does.
 * @throws the system's error
 */
export async function makeFolder(folder: string): Promise<void> {
  const code = await makeOne(folder);
  if (code !== 'ENOENT' || dirname(folder) === folder) return;
  await makeFolder(dirname(folder));
  await mkdir(folder, { mode: 0o700 });
}

/** `ENOENT` where the one above is missing; nothing where it is there now. */
async function makeOne(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return undefined;
    if (code === 'ENOENT') return code;
    throw error;
  }
}

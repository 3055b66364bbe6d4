/** Going through the names of a folder as the system gives them, as bytes. */
import { opendir } from 'node:fs/promises';
import type { WindowPicker } from './name-window.ts';
import { isPartName } from './part-name.ts';

/** Entries that the system is asked for at once. */
const readAtOnce = 4000;

/** As much of `fs.Dir` as is used. */
export interface OpenDir {
  read(): Promise<{ readonly name: string } | null>;
  close(): Promise<void>;
}

/** Its names are latin1 strings, one character a byte: the types know utf8 only, the file system knows bytes. */
export function openDir(path: Buffer): Promise<OpenDir> {
  return opendir(path, { encoding: 'latin1', bufferSize: readAtOnce });
}

/** True where the folder has ended, false after so many entries. */
export async function readInto(
  picker: WindowPicker,
  dir: OpenDir,
  { most, signal }: { most: number; signal: AbortSignal },
): Promise<boolean> {
  for (let count = 0; count < most; count++) {
    if (count % readAtOnce === 0) signal.throwIfAborted();
    const entry = await dir.read();
    if (entry === null) return true;
    if (!isPartName(entry.name)) picker.add(entry.name);
  }
  return false;
}

export async function closeDir(dir: OpenDir): Promise<void> {
  await dir.close().catch(() => undefined); // What went wrong before it is what is told.
}

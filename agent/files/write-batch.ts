/**
 * Writes many small files, in a thread of its own: all under partial names, then all made safe together, then each
 * given its name. One flush for a batch is what makes them safe at a price: on a disk it takes as long as for one file.
 */
import {
  closeSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { modifiedOf } from './file-version.ts';
import { finalNames, withoutLinks } from './final-names.ts';
import { flushFiles } from './flush-files.ts';
import { joinLocal, type LocalPath, pathFromLatin1 } from './local-path.ts';
import { openFlags, timeForSystem } from './raw-files.ts';

export interface BatchAsk {
  /** Where files are written before they get their names; paths are latin1, one character a byte. */
  readonly staging: string;
  /** To be made, each before those in it. */
  readonly made: readonly string[];
  readonly folders: readonly string[];
  readonly files: readonly BatchFile[];
  /** Of all files, one after the other. */
  readonly content: ArrayBuffer;
}

export interface BatchFile {
  /** Index of `folders`. */
  readonly folder: number;
  readonly name: string;
  /** In the staging folder. */
  readonly part: string;
  readonly size: number;
  readonly modified: number;
}

/** What the system said of a file, as much as can be sent between threads. */
export interface BatchFault {
  readonly errno: string;
  readonly message: string;
}

export interface BatchFaults {
  /** In the order of the folders that were to be made. */
  readonly made: readonly (BatchFault | undefined)[];
  /** In the order of the files; undefined where all went well. */
  readonly files: readonly (BatchFault | undefined)[];
}

export interface BatchAnswer {
  readonly faults: BatchFaults;
  readonly content: ArrayBuffer;
}

interface Part {
  readonly file: BatchFile;
  readonly path: LocalPath;
  readonly fd: number | undefined;
  error: unknown;
}

/** Fails only by a fault of ours: a file's own trouble is told, and the others are written. */
export async function writeBatch(ask: BatchAsk): Promise<BatchFaults> {
  const made = ask.made.map((folder) => make(pathFromLatin1(folder)));
  const staging = pathFromLatin1(ask.staging);
  const folders = ask.folders.map((folder) => pathFromLatin1(folder));
  const parts: Part[] = [];
  let at = 0;
  for (const file of ask.files) {
    const path = joinLocal(staging, Buffer.from(file.part, 'latin1'));
    parts.push(begun(file, path, new Uint8Array(ask.content, at, file.size)));
    at += file.size;
  }
  await makeSafe(parts, staging);
  for (const part of parts) finish(part, folders[part.file.folder]);
  return { made, files: parts.map(({ error }) => (error === undefined ? undefined : faultOf(error))) };
}

/** One that is there already will do, but no link to one: what is received stays in its tree. */
function make(path: LocalPath): BatchFault | undefined {
  try {
    mkdirSync(path);
  } catch (error) {
    const fault = faultOf(error);
    if (fault.errno !== 'EEXIST' || lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return fault;
  }
  return undefined;
}

function begun(file: BatchFile, path: LocalPath, content: Uint8Array): Part {
  let fd: number | undefined;
  try {
    fd = openSync(path, openFlags.create, 0o666);
    for (let at = 0; at < content.length;) at += writeSync(fd, content, at, content.length - at, at);
    const time = timeForSystem(file.modified);
    futimesSync(fd, time, time);
    return { file, path, fd, error: undefined };
  } catch (error) {
    return { file, path, fd, error };
  }
}

async function makeSafe(parts: readonly Part[], staging: LocalPath): Promise<void> {
  const whole = parts.flatMap((part) => (part.error === undefined && part.fd !== undefined ? [part.fd] : []));
  const errors = await flushFiles(whole, staging);
  for (const part of parts) if (part.fd !== undefined) part.error ??= errors.get(part.fd);
}

function finish(part: Part, folder: LocalPath | undefined): void {
  const { file, path, fd } = part;
  if (fd === undefined) return;
  closeSync(fd);
  try {
    if (part.error === undefined && folder !== undefined) giveName(path, folder, file);
    else unlinkSync(path);
  } catch (error) {
    part.error ??= error;
    // At once, as another file may need the room: where a name counts as a file, a full disk has none for any name.
    rmSync(path, { force: true });
  }
}

/** As `publish` does it: a different file of that name stays, and the same version is enough. */
function giveName(part: LocalPath, folder: LocalPath, file: BatchFile): void {
  for (const path of finalNames(folder, Buffer.from(file.name, 'latin1'))) {
    if (named(part, path)) return;
    if (!isSame(path, file)) continue;
    unlinkSync(part);
    return;
  }
  throw Object.assign(new Error('too many files of that name'), { code: 'EEXIST' });
}

/** False where the name is taken. A second name (link) cannot replace anything; rename would. */
function named(part: LocalPath, path: LocalPath): boolean {
  try {
    linkSync(part, path);
  } catch (error) {
    const { errno } = faultOf(error);
    if (errno === 'EEXIST') return false;
    if (!withoutLinks.includes(errno)) throw error;
    // Look first, which leaves a moment in between.
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
    renameSync(part, path);
    return true;
  }
  unlinkSync(part);
  return true;
}

function isSame(path: LocalPath, { size, modified }: BatchFile): boolean {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size === BigInt(size) && modifiedOf(stat) === modified;
}

function faultOf(error: unknown): BatchFault {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return { errno: code, message };
}

/** Paths where files are received. Bytes, because a Linux name need not be UTF-8; text on Windows, where it must. */
import { win32 } from 'node:path';

export type LocalPath = Buffer | string;

const slash = Buffer.from('/');

export function localPath(text: string): LocalPath {
  return process.platform === 'win32' ? text : Buffer.from(text);
}

/** @param name made by `local-name`, or our own */
export function joinLocal(folder: LocalPath, name: Buffer): LocalPath {
  if (typeof folder === 'string') return win32.join(folder, name.toString());
  const isRoot = folder.length === 1 && folder[0] === slash[0];
  return Buffer.concat(isRoot ? [folder, name] : [folder, slash, name]);
}

/** Of a path that `joinLocal` made. */
export function splitPath(path: LocalPath): { readonly folder: Buffer; readonly name: Buffer } {
  const bytes = Buffer.from(path);
  const end = bytes.lastIndexOf(process.platform === 'win32' ? '\\' : '/');
  return { folder: bytes.subarray(0, Math.max(1, end)), name: bytes.subarray(end + 1) };
}

/** For people and for messages; not to open anything with. */
export function shownPath(path: LocalPath): string {
  return path.toString();
}

/** The same text for the same path, whatever its bytes; for records. */
export function pathToText(path: LocalPath): string {
  return Buffer.from(path).toString('base64');
}

export function pathFromText(text: string): LocalPath {
  const bytes = Buffer.from(text, 'base64');
  return process.platform === 'win32' ? bytes.toString() : bytes;
}

/** As text of one character a byte: what goes to a thread as text is neither copied with its buffer nor checked. */
export function pathToLatin1(path: LocalPath): string {
  return typeof path === 'string' ? path : path.toString('latin1');
}

export function pathFromLatin1(text: string): LocalPath {
  return process.platform === 'win32' ? text : Buffer.from(text, 'latin1');
}

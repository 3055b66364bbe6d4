/**
 * Wire paths: how a file inside a share is named in JSON, URLs and WebDAV alike.
 *
 * The owner's raw bytes per component, percent-encoded (RFC 3986 2.1), joined by '/'. Never normalised: two paths are
 * the same only if their bytes are. The root of a share is the empty text. A component is never empty, '.' or '..' and
 * holds neither '/' nor NUL. There is exactly one text for each path (upper-case hex, only unreserved characters
 * literal), so texts can be compared.
 */
import { z } from 'zod';
import { NethoodError } from './errors.ts';

const maxText = 16_384;
const maxComponents = 1024;
/** Longest file name of common file systems, in bytes. */
const maxComponentBytes = 255;
const unreserved = /[A-Za-z0-9\-._~]/;
const hex = '0123456789ABCDEF';

export const WirePath = z
  .string()
  .max(maxText)
  .refine((text) => parse(text) !== undefined, 'is not a wire path')
  .brand<'WirePath'>();
export type WirePath = z.infer<typeof WirePath>;

export const rootPath = '' as WirePath;

/** The bytes of each component, outermost first; empty for the share's root. */
export function pathComponents(path: WirePath): Uint8Array[] {
  return parse(path) ?? [];
}

export function pathFromComponents(components: readonly Uint8Array[]): WirePath {
  return parseWirePath(components.map(encodeComponent).join('/'));
}

/** @throws NethoodError `bad-path` */
export function parseWirePath(text: string): WirePath {
  const result = WirePath.safeParse(text);
  if (!result.success) throw new NethoodError('bad-path', `"${text.slice(0, 200)}" is not a path inside a share.`);
  return result.data;
}

/** What a person typed: plain names joined by '/', encoded as UTF-8. A trailing slash is allowed. @throws NethoodError `bad-path` */
export function wirePathFromPlain(text: string): WirePath {
  const names = text.split('/').filter((name) => name !== '');
  const encoder = new TextEncoder();
  return parseWirePath(names.map((name) => encodeComponent(encoder.encode(name))).join('/'));
}

/** What a person typed may be a wire path (from `ls --json`) or plain names: the readings to try, in this order. */
export function typedPathReadings(text: string): WirePath[] {
  const trimmed = text.replace(/\/+$/, '');
  const asWire = WirePath.safeParse(trimmed);
  const plain = wirePathFromPlain(text);
  if (!asWire.success || asWire.data === plain) return [plain];
  return [asWire.data, plain];
}

export function childPath(parent: WirePath, name: Uint8Array): WirePath {
  const component = encodeComponent(name);
  return parseWirePath(parent === '' ? component : `${parent}/${component}`);
}

export function parentPath(path: WirePath): WirePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as WirePath;
}

/** The last component for people: UTF-8, invalid bytes as U+FFFD. Not a name to open anything with. */
export function displayName(path: WirePath): string {
  return new TextDecoder().decode(pathComponents(path).at(-1) ?? new Uint8Array());
}

function encodeComponent(bytes: Uint8Array): string {
  // Joined to others it would vanish, and name the folder above.
  if (bytes.length === 0) throw new NethoodError('bad-path', 'A path inside a share has an empty name in it.');
  let text = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    text += unreserved.test(char) ? char : `%${hex[byte >> 4]}${hex[byte & 15]}`;
  }
  return text;
}

function parse(text: string): Uint8Array[] | undefined {
  if (text === '') return [];
  const parts = text.split('/');
  if (parts.length > maxComponents) return undefined;
  const components: Uint8Array[] = [];
  for (const part of parts) {
    const bytes = decodeComponent(part);
    if (bytes === undefined) return undefined;
    components.push(bytes);
  }
  return components;
}

function decodeComponent(part: string): Uint8Array | undefined {
  if (part === '' || part === '.' || part === '..') return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < part.length; at++) {
    if (unreserved.test(part.charAt(at))) bytes.push(part.charCodeAt(at));
    else {
      const byte = escapedByte(part.slice(at, at + 3));
      if (byte === undefined) return undefined;
      bytes.push(byte);
      at += 2;
    }
  }
  return bytes.length <= maxComponentBytes ? Uint8Array.from(bytes) : undefined;
}

/** `%XX` of a byte that a name may hold and that must be written so. */
function escapedByte(text: string): number | undefined {
  if (!/^%[0-9A-F]{2}$/.test(text)) return undefined;
  const byte = Number.parseInt(text.slice(1), 16);
  const allowed = byte !== 0 && byte !== 0x2f && !unreserved.test(String.fromCharCode(byte));
  return allowed ? byte : undefined;
}

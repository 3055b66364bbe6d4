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
/** Most names: they stand for themselves, and are told by one look. */
const asIs = /^[A-Za-z0-9\-._~]+$/;
/** How each byte is written. */
const texts = Array.from({ length: 256 }, (_, byte) => textOf(byte));
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const WirePath = z.string().max(maxText).refine(isWirePath, 'is not a wire path').brand<'WirePath'>();
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
  // Not by the schema, which for each of a thousand names costs more than the look itself.
  if (isWirePath(text)) return text as WirePath;
  throw new NethoodError('bad-path', `"${text.slice(0, 200)}" is not a path inside a share.`);
}

/** What a person typed: plain names joined by '/', encoded as UTF-8. A trailing slash is allowed. @throws NethoodError `bad-path` */
export function wirePathFromPlain(text: string): WirePath {
  const names = text.split('/').filter((name) => name !== '');
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
  const last = path.slice(path.lastIndexOf('/') + 1);
  return asIs.test(last) ? last : decoder.decode(decodeComponent(last));
}

function encodeComponent(bytes: Uint8Array): string {
  // Joined to others it would vanish, and name the folder above.
  if (bytes.length === 0) throw new NethoodError('bad-path', 'A path inside a share has an empty name in it.');
  let text = '';
  for (const byte of bytes) text += texts[byte];
  return text;
}

function textOf(byte: number): string {
  const char = String.fromCharCode(byte);
  return unreserved.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

function isWirePath(text: string): boolean {
  return text.length <= maxText && parse(text) !== undefined;
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
  if (asIs.test(part)) return part.length <= maxComponentBytes ? bytesOf(part) : undefined;
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

function bytesOf(ascii: string): Uint8Array {
  const bytes = new Uint8Array(ascii.length);
  for (let at = 0; at < ascii.length; at++) bytes[at] = ascii.charCodeAt(at);
  return bytes;
}

/** `%XX` of a byte that a name may hold and that must be written so. */
function escapedByte(text: string): number | undefined {
  if (!/^%[0-9A-F]{2}$/.test(text)) return undefined;
  const byte = Number.parseInt(text.slice(1), 16);
  const allowed = byte !== 0 && byte !== 0x2f && !unreserved.test(String.fromCharCode(byte));
  return allowed ? byte : undefined;
}

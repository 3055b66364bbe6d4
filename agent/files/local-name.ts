/**
 * Names of a neighbour's files on this system. Pure; the platform is passed in. A Linux name is its bytes, whatever
 * they are. Windows and macOS want UTF-8, do not tell `A.txt` from `a.txt`, and macOS not one Unicode normalisation
 * from the other; Windows has reserved names and characters besides (Naming Files, Paths, and Namespaces). Names that
 * would meet are numbered, so that no file of a neighbour replaces another.
 */
import { isPartName } from './part-name.ts';

/** Bytes; also a safe bound for the 255 UTF-16 units of NTFS and APFS. */
const longestName = 255;
const windowsForbidden = /[<>:"/\\|?*\p{Cc}]/gu;
const windowsDevice = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])$/i;

/** Names of one folder: each source name gets its own local name. Ask in a stable order, and the answers are stable. */
export class LocalNames {
  readonly #platform: NodeJS.Platform;
  readonly #taken = new Set<string>();

  constructor(platform: NodeJS.Platform) {
    this.#platform = platform;
  }

  take(source: Uint8Array): Buffer {
    const plain = localName(source, this.#platform);
    let name = plain;
    for (let number = 2; this.#taken.has(foldedName(name, this.#platform)); number++)
      name = numberedName(plain, number);
    this.#taken.add(foldedName(name, this.#platform));
    return name;
  }
}

/** A name that this system can hold. @param source one component of a wire path */
export function localName(source: Uint8Array, platform: NodeJS.Platform): Buffer {
  const name = platform === 'win32' || platform === 'darwin' ? unicodeName(source, platform) : Buffer.from(source);
  // A foreign file under the name of our own partial files would never be listed, and be taken for rubbish.
  return isPartName(name.toString('latin1')) ? withSuffix(name, '_') : name;
}

/** `report.pdf`, 2 -> `report (2).pdf`, cut to what a name may have. */
export function numberedName(name: Buffer, number: number): Buffer {
  return withSuffix(name, ` (${number})`);
}

/** Whether bytes from a wire may stand as one component of a path here: one name, that leads nowhere else. */
export function isSafeName(name: Uint8Array, platform: NodeJS.Platform): boolean {
  const bytes = Buffer.from(name.buffer, name.byteOffset, name.byteLength);
  const text = bytes.toString('latin1');
  if (text === '' || text === '.' || text === '..' || text.includes('/') || text.includes('\0')) return false;
  // On Windows `C:x`, `x:stream`, `a\b`, `NUL.txt` and `x.` all mean something else than a file of that name.
  return platform !== 'win32' || localName(bytes, 'win32').equals(bytes);
}

function unicodeName(source: Uint8Array, platform: 'win32' | 'darwin'): Buffer {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(source);
  return shortened(Buffer.from(platform === 'win32' ? windowsName(text) : text));
}

function windowsName(text: string): string {
  const allowed = text.replaceAll(windowsForbidden, '_').replace(/[. ]$/, '_');
  // The stem counts up to the first dot, and spaces at its end do not: `nul .tar.gz` is the device too.
  const [stem = ''] = allowed.split('.');
  return windowsDevice.test(stem.trimEnd()) ? `${stem}_${allowed.slice(stem.length)}` : allowed;
}

/** Two names with the same fold are one file to the system. */
export function foldedName(name: Buffer, platform: NodeJS.Platform): string {
  if (platform !== 'win32' && platform !== 'darwin') return name.toString('latin1');
  // Upper case after lower case: U+212A (Kelvin) meets k, U+017F meets s.
  return name.toString().normalize('NFC').toLowerCase().toUpperCase().normalize('NFC');
}

/** Replacement characters make a name longer than its source was. */
function shortened(name: Buffer): Buffer {
  return name.length <= longestName ? name : withSuffix(name, '~');
}

/** Before the extension, if there is one; the stem gives way where the name gets too long. */
function withSuffix(name: Buffer, suffix: string): Buffer {
  const text = name.toString('latin1');
  const dot = text.lastIndexOf('.');
  const extension = dot > 0 && text.length - dot <= 32 ? text.slice(dot) : '';
  const stem = text.slice(0, text.length - extension.length);
  return Buffer.from(`${cut(stem, longestName - suffix.length - extension.length)}${suffix}${extension}`, 'latin1');
}

/** At most `length` bytes, without tearing a character of UTF-8. */
function cut(stem: string, length: number): string {
  if (stem.length <= length) return stem;
  let end = length;
  while (end > 0 && (stem.charCodeAt(end) & 0xc0) === 0x80 && length - end < 4) end--;
  return stem.slice(0, end);
}

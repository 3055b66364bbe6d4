/** Writes the bytes of one DNS message, each name as short as the names before it allow (RFC 1035 4.1.4). */
import { NethoodError } from '../../protocol/errors.ts';
import { isDnsName, nameText } from './dns-name.ts';
import type { DnsName } from './dns-types.ts';

/** A pointer has 14 bits. */
const mostOffset = 0x3fff;

/** Names written so far, from the outermost label inwards. */
interface Suffix {
  readonly offset: number;
  readonly longer: Map<string, Suffix>;
}

export class DnsWriter {
  #bytes = Buffer.allocUnsafe(1_500);
  readonly #suffixes = new Map<string, Suffix>();
  length = 0;

  /** A copy of what was written. */
  result(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.length));
  }

  uint8(value: number): void {
    this.#room(1);
    this.#bytes[this.length++] = value & 0xff;
  }

  uint16(value: number): void {
    this.uint8(value >> 8);
    this.uint8(value);
  }

  uint32(value: number): void {
    this.uint16(Math.floor(value / 0x10000));
    this.uint16(value % 0x10000);
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Two bytes that hold how many bytes `write` writes behind them. */
  sized(write: () => void): void {
    const start = this.length;
    this.uint16(0);
    write();
    this.#bytes.writeUInt16BE(this.length - start - 2, start);
  }

  /** @throws NethoodError `internal` for a name that does not fit the format: whoever makes names minds their length */
  name(name: DnsName): void {
    if (!isDnsName(name)) throw new NethoodError('internal', `"${nameText(name)}" cannot be a DNS name.`);
    let known = name.length;
    let level = this.#suffixes;
    let offset = -1;
    for (let next = this.#suffix(level, name, known); next !== undefined; next = this.#suffix(level, name, known)) {
      known--;
      level = next.longer;
      offset = next.offset;
    }
    const starts = name.slice(0, known).map((label) => this.#label(label));
    for (let at = known - 1; at >= 0; at--) {
      const suffix: Suffix = { offset: starts[at] ?? 0, longer: new Map() };
      if (suffix.offset > mostOffset) break;
      level.set(name[at] ?? '', suffix);
      level = suffix.longer;
    }
    if (offset < 0) this.uint8(0);
    else this.uint16(0xc000 | offset);
  }

  #suffix(level: ReadonlyMap<string, Suffix>, name: DnsName, known: number): Suffix | undefined {
    return known === 0 ? undefined : level.get(name[known - 1] ?? '');
  }

  #label(label: string): number {
    const start = this.length;
    const bytes = Buffer.from(label);
    this.uint8(bytes.length);
    this.bytes(bytes);
    return start;
  }

  #room(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
  }
}

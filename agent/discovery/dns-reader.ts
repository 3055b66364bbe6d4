/**
 * Reads the bytes of one DNS message. Linear in their number: each label is turned to text once, a name has at most
 * 256 bytes, and its pointers lead only backwards, so that they cannot go round (RFC 1035 4.1.4).
 */
import { NethoodError } from '../../protocol/errors.ts';
import { maxLabelBytes, maxNameBytes } from './dns-name.ts';
import type { DnsName } from './dns-types.ts';

/** No honest name has more, one per label. */
const mostPointers = 127;

// ignoreBOM: a byte order mark is a character like others, and not ours to take away.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class DnsReader {
  readonly #bytes: Uint8Array;
  /** By offset; null where it is not UTF-8. */
  readonly #labels = new Map<number, string | null>();
  /** By offset: most names are pointers to one that was read before. */
  readonly #names = new Map<number, DnsName | undefined>();
  at = 0;

  constructor(bytes: Uint8Array) {
    // Never a Buffer, whose `slice` would keep the whole packet in memory for one record.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  uint8(): number {
    return this.#byte(this.at++);
  }

  uint16(): number {
    return (this.uint8() << 8) | this.uint8();
  }

  uint32(): number {
    return this.uint16() * 0x10000 + this.uint16();
  }

  /** A copy. */
  bytes(length: number): Uint8Array {
    if (length > this.left) throw badMessage('ends in the middle of a record');
    this.at += length;
    return this.#bytes.slice(this.at - length, this.at);
  }

  /** Nothing where a label is not UTF-8. */
  name(): DnsName | undefined {
    const start = this.at;
    const first = this.#byte(start);
    const target = first >= 0xc0 ? ((first & 0x3f) << 8) | this.#byte(start + 1) : start;
    if (target < start && this.#names.has(target)) {
      this.at += 2;
      return this.#names.get(target);
    }
    const name = this.#readName();
    this.#names.set(target, name);
    return name;
  }

  #readName(): DnsName | undefined {
    const labels: (string | null)[] = [];
    let at = this.at;
    let end = -1;
    let runStart = at;
    let size = 1;
    let pointers = 0;
    for (let length = this.#byte(at); length !== 0; length = this.#byte(at)) {
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | this.#byte(at + 1);
        if (target >= runStart || ++pointers > mostPointers) throw badMessage('has a name that goes round');
        if (end < 0) end = at + 2;
        runStart = at = target;
        continue;
      }
      if (length > maxLabelBytes) throw badMessage('has a label of an unknown kind');
      size += 1 + length;
      if (size > maxNameBytes) throw badMessage('has a name longer than 256 bytes');
      labels.push(this.#label(at, length));
      at += 1 + length;
    }
    this.at = end < 0 ? at + 1 : end;
    return labels.every((label) => label !== null) ? labels : undefined;
  }

  #label(at: number, length: number): string | null {
    const known = this.#labels.get(at);
    if (known !== undefined) return known;
    if (at + 1 + length > this.#bytes.length) throw badMessage('ends in the middle of a name');
    const label = textOf(this.#bytes.subarray(at + 1, at + 1 + length));
    this.#labels.set(at, label);
    return label;
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw badMessage('ends too early');
    return byte;
  }
}

export function badMessage(fault: string): NethoodError {
  return new NethoodError('bad-message', `A DNS message ${fault}.`);
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    // Not UTF-8: the caller leaves out what bears the name.
    return null;
  }
}

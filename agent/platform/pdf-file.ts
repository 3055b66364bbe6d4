/** A PDF file in memory: its objects by number, through all its cross-reference sections (ISO 32000-1 sections 7.5, 7.5.7, 7.5.8). */
import { constants, inflateSync } from 'node:zlib';
import {
  damaged,
  dictionaryAt,
  elementsOf,
  numberOf,
  objectEnd,
  peek,
  referenceAt,
  skipSpace,
  textOf,
  type Span,
} from './pdf-syntax.ts';
import { readTable, readTableStream, unpredicted, type Place } from './pdf-table.ts';

export interface PdfObject extends Span {
  /** What follows a stream's dictionary, as it is in the file. */
  readonly stream?: Buffer | undefined;
}

const mostObjects = 500_000;
const mostInflated = 64 * 2 ** 20;

export class PdfFile {
  readonly #bytes: Buffer;
  readonly #places = new Map<number, Place>();
  readonly #containers = new Map<number, { readonly bytes: Buffer; readonly starts: readonly number[] }>();
  /** Entries of tables and bytes of objects that may still be read: a file can name the same ones again and again. */
  #entriesLeft = 2 * mostObjects;
  #bytesLeft: number;
  readonly trailer: ReadonlyMap<string, Span>;

  /** @throws NethoodError `bad-document` */
  constructor(bytes: Buffer) {
    // Offsets count from the header, wherever that is.
    this.#bytes = bytes.subarray(Math.max(0, bytes.subarray(0, 1024).indexOf('%PDF-')));
    this.#bytesLeft = 2 * bytes.length + mostInflated;
    const tail = Math.max(0, this.#bytes.length - 2048);
    const start = this.#bytes.lastIndexOf('startxref');
    const first = /^startxref[\s\0]+(\d{1,10})/.exec(start < tail ? '' : peek(this.#bytes, start))?.[1];
    if (first === undefined) throw damaged('it has no table of its objects');
    this.trailer = this.#readSections(Number(first));
    if (this.trailer.has('Encrypt')) throw damaged('it is encrypted');
  }

  /** The object itself, or what the reference refers to; undefined for what is not there, which is null (7.3.10). */
  resolve(span: Span | undefined): PdfObject | undefined {
    if (span === undefined) return undefined;
    const reference = referenceAt(span.bytes, span.from);
    return reference === undefined ? span : this.object(reference.num);
  }

  object(num: number): PdfObject | undefined {
    const place = this.#places.get(num);
    if (place === undefined) return undefined;
    return 'offset' in place ? this.#objectAt(place.offset, num) : this.#contained(place);
  }

  dictionary(span: Span | undefined): ReadonlyMap<string, Span> | undefined {
    const object = this.resolve(span);
    return object && peek(object.bytes, object.from, 2) === '<<' ? dictionaryAt(object.bytes, object.from) : undefined;
  }

  #readSections(first: number): ReadonlyMap<string, Span> {
    let trailer: ReadonlyMap<string, Span> | undefined;
    const seen = new Set<number>();
    const waiting = [first];
    for (let offset = waiting.shift(); offset !== undefined; offset = waiting.shift()) {
      if (seen.has(offset) || seen.size > 4096) continue;
      seen.add(offset);
      const section = this.#readSection(offset);
      trailer ??= section;
      waiting.push(...['XRefStm', 'Prev'].flatMap((key) => numberOf(section.get(key)) ?? []));
    }
    if (trailer === undefined) throw damaged('it has no table of its objects');
    return trailer;
  }

  #readSection(offset: number): ReadonlyMap<string, Span> {
    const at = skipSpace(this.#bytes, offset);
    if (peek(this.#bytes, at, 4) !== 'xref') return this.#readStreamTable(at);
    const end = readTable(this.#bytes, at + 4, this.#note);
    if (peek(this.#bytes, end, 7) !== 'trailer') throw damaged('it has no trailer');
    return dictionaryAt(this.#bytes, skipSpace(this.#bytes, end + 7));
  }

  #readStreamTable(at: number): ReadonlyMap<string, Span> {
    const object = this.#objectAt(at);
    const table = dictionaryAt(object.bytes, object.from);
    readTableStream(table, this.#decoded(object, table), this.#note);
    return table;
  }

  /** The newest section is read first. */
  readonly #note = (num: number, place: Place): void => {
    if (--this.#entriesLeft < 0 || this.#places.size > mostObjects) throw damaged('it has too many objects');
    if (!this.#places.has(num)) this.#places.set(num, place);
  };

  /** @param num undefined: whichever is there */
  #objectAt(offset: number, num?: number): PdfObject {
    const bytes = this.#bytes;
    const start = skipSpace(bytes, offset);
    const [head, number] = /^(\d{1,10})[\s\0]+\d{1,5}[\s\0]+obj/.exec(peek(bytes, start)) ?? [];
    if (head === undefined || (num !== undefined && Number(number) !== num))
      throw damaged('an object is not in its place');
    const from = skipSpace(bytes, start + head.length);
    const to = objectEnd(bytes, from);
    this.#spend(to - from);
    const after = skipSpace(bytes, to);
    if (peek(bytes, after, 6) !== 'stream') return { bytes, from, to };
    const data = after + (peek(bytes, after + 6, 2) === '\r\n' ? 8 : 7);
    const stream = bytes.subarray(data, this.#streamEnd(from, data));
    this.#spend(stream.length);
    return { bytes, from, to, stream };
  }

  #streamEnd(dictionary: number, data: number): number {
    const length = dictionaryAt(this.#bytes, dictionary).get('Length');
    const bytes = numberOf(this.resolve(length));
    const end = bytes === undefined ? -1 : data + bytes;
    if (end >= data && peek(this.#bytes, skipSpace(this.#bytes, end), 9) === 'endstream') return end;
    // A wrong length: writers of PDF err in it, and readers mend it so.
    const found = this.#bytes.indexOf('endstream', data);
    if (found === -1) throw damaged('a stream has no end');
    return found;
  }

  /** An object in an object stream; undefined where that has no such one. */
  #contained({ container, index }: Extract<Place, { container: number }>): PdfObject | undefined {
    const { bytes, starts } = this.#containers.get(container) ?? this.#opened(container);
    const start = starts[index];
    if (start === undefined) return undefined;
    const from = skipSpace(bytes, start);
    const to = objectEnd(bytes, from);
    this.#spend(to - from);
    return { bytes, from, to };
  }

  #opened(container: number): { readonly bytes: Buffer; readonly starts: readonly number[] } {
    const place = this.#places.get(container);
    // One within another would never end.
    if (place === undefined || !('offset' in place)) throw damaged('an object is not in its place');
    const object = this.#objectAt(place.offset, container);
    const table = dictionaryAt(object.bytes, object.from);
    const bytes = this.#decoded(object, table);
    this.#spend(bytes.length);
    const first = numberOf(table.get('First')) ?? 0;
    const heads = bytes
      .toString('latin1', 0, first)
      .trim()
      .split(/[\s\0]+/)
      .map(Number);
    const starts = heads.filter((_, at) => at % 2 === 1).map((offset) => first + offset);
    const opened = { bytes, starts };
    this.#containers.set(container, opened);
    return opened;
  }

  #spend(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw damaged('its objects overlap');
  }

  #decoded({ stream }: PdfObject, table: ReadonlyMap<string, Span>): Buffer {
    if (stream === undefined) throw damaged('a stream is missing');
    const filter = table.get('Filter');
    if (filter === undefined) return stream;
    const names = elementsOf(filter).map(textOf);
    if (names.length !== 1 || names[0] !== '/FlateDecode') throw damaged('its table is packed in an unusual way');
    const data = inflated(stream);
    const parameters = this.dictionary(table.get('DecodeParms'));
    const predictor = numberOf(parameters?.get('Predictor')) ?? 1;
    return predictor < 10 ? data : unpredicted(data, numberOf(parameters?.get('Columns')) ?? 1);
  }
}

function inflated(stream: Buffer): Buffer {
  try {
    return inflateSync(stream, { maxOutputLength: mostInflated, finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    throw damaged('a packed part of it is damaged');
  }
}

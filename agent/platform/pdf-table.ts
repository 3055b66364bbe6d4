/** Where a PDF's objects are: cross-reference tables, plain (ISO 32000-1 section 7.5.4) and as streams (7.5.8). */
import { damaged, elementsOf, numberOf, peek, skipSpace, type Span } from './pdf-syntax.ts';

/** At an offset in the file, or one of the objects in an object stream. */
export type Place = { readonly offset: number } | { readonly container: number; readonly index: number };
type Note = (num: number, place: Place) => void;

/** @returns where `trailer` stands */
export function readTable(bytes: Buffer, from: number, note: Note): number {
  let at = skipSpace(bytes, from);
  for (;;) {
    const [head, first, count] = /^(\d{1,10})[\s\0]+(\d{1,10})[\s\0]+/.exec(peek(bytes, at)) ?? [];
    if (head === undefined) return at;
    at += head.length;
    for (let entry = 0; entry < Number(count); entry++) {
      const [line, offset, kind] = /^(\d{10}) \d{5} ([nf])[\s\0]*/.exec(peek(bytes, at, 24)) ?? [];
      if (line === undefined) throw damaged('the table of its objects is damaged');
      if (kind === 'n') note(Number(first) + entry, { offset: Number(offset) });
      at += line.length;
    }
  }
}

/** @param data the stream's, unpacked */
export function readTableStream(table: ReadonlyMap<string, Span>, data: Buffer, note: Note): void {
  const widths = numbers(table.get('W'));
  const size = widths.reduce((sum, width) => sum + width, 0);
  if (widths.length < 3 || widths.some((width) => width < 0 || width > 6) || size === 0)
    throw damaged('the table of its objects is damaged');
  let offset = 0;
  for (const num of numbersIn(table)) {
    if (offset + size > data.length) return;
    const place = placeOf(data, offset, widths);
    if (place !== undefined) note(num, place);
    offset += size;
  }
}

/** Pairs of the first number and how many follow. */
function* numbersIn(table: ReadonlyMap<string, Span>): Generator<number, void, undefined> {
  const index = table.has('Index') ? numbers(table.get('Index')) : [0, numberOf(table.get('Size')) ?? 0];
  for (let part = 0; part + 1 < index.length; part += 2)
    for (let entry = 0; entry < (index[part + 1] ?? 0); entry++) yield (index[part] ?? 0) + entry;
}

/** Three numbers of so many bytes: what it is (1 where there is none), and two that say where. */
function placeOf(data: Buffer, offset: number, widths: readonly number[]): Place | undefined {
  const [kindBytes = 0, oneBytes = 0, twoBytes = 0] = widths;
  const field = (at: number, bytes: number): number => (bytes === 0 ? 0 : data.readUIntBE(offset + at, bytes));
  const kind = kindBytes === 0 ? 1 : field(0, kindBytes);
  const one = field(kindBytes, oneBytes);
  if (kind === 1) return { offset: one };
  return kind === 2 ? { container: one, index: field(kindBytes + oneBytes, twoBytes) } : undefined;
}

/** PNG's filters none, left, up and average, a byte before each row (7.4.4.4); tables have bytes for samples. */
export function unpredicted(data: Buffer, columns: number): Buffer {
  if (columns < 1 || columns > 64) throw damaged('its table is packed in an unusual way');
  const rows = Math.floor(data.length / (columns + 1));
  const plain = Buffer.alloc(rows * columns);
  for (let row = 0; row < rows; row++) unpredictRow(data.subarray(row * (columns + 1)), plain, { row, columns });
  return plain;
}

function unpredictRow(source: Buffer, plain: Buffer, { row, columns }: { row: number; columns: number }): void {
  const filter = source[0] ?? 0;
  if (filter > 3) throw damaged('its table is packed in an unusual way');
  for (let column = 0; column < columns; column++) {
    const at = row * columns + column;
    const left = column > 0 ? plain.readUInt8(at - 1) : 0;
    const up = row > 0 ? plain.readUInt8(at - columns) : 0;
    const before = [0, left, up, (left + up) >> 1][filter] ?? 0;
    plain[at] = source.readUInt8(1 + column) + before;
  }
}

function numbers(span: Span | undefined): number[] {
  return span === undefined ? [] : elementsOf(span).map((element) => numberOf(element) ?? -1);
}

/** Reads the PDF documents that we write, as strictly as a reader that trusts nothing but the table of objects. */
import { inflateSync } from 'node:zlib';

export interface PdfPage {
  /** Points. */
  readonly width: number;
  readonly height: number;
  readonly drawing: string;
  /** Of its one image: the dictionary, and its lines without filter bytes. */
  readonly image: string;
  readonly lines: readonly Buffer[];
}

export function readPdf(bytes: Buffer): PdfPage[] {
  const objects = readObjects(bytes);
  const dictionary = (reference: string): string => objects(Number(reference)).head;
  const text = bytes.toString('latin1');
  const pages = dictionary(of(dictionary(of(text.slice(-200), /\/Root (\d+) 0 R/)), /\/Pages (\d+) 0 R/));
  const kids = of(pages, /\/Kids \[([^\]]*)\]/).match(/\d+(?= 0 R)/g) ?? [];
  if (kids.length !== Number(of(pages, /\/Count (\d+)/))) throw new Error('The count of pages is wrong');
  return kids.map((kid) => {
    const page = dictionary(kid);
    const content = objects(Number(of(page, /\/Contents (\d+) 0 R/)));
    const image = objects(Number(of(page, /\/I (\d+) 0 R/)));
    return {
      width: Number(of(page, /\/MediaBox \[0 0 ([\d.]+) /)),
      height: Number(of(page, /\/MediaBox \[0 0 [\d.]+ ([\d.]+)\]/)),
      drawing: content.stream.toString('latin1'),
      image: image.head,
      lines: unfiltered(image),
    };
  });
}

interface PdfObject {
  readonly head: string;
  readonly stream: Buffer;
}

function readObjects(bytes: Buffer): (number: number) => PdfObject {
  const tail = bytes.subarray(-40).toString('latin1');
  const table = bytes.subarray(Number(of(tail, /startxref\n(\d+)\n%%EOF\n$/))).toString('latin1');
  const count = Number(of(table, /^xref\n0 (\d+)\n/));
  const entries = table.slice(`xref\n0 ${count}\n`.length);
  const at = (number: number): number => {
    const entry = entries.slice(number * 20, number * 20 + 20);
    if (number >= count || !/^\d{10} 00000 n \n$/.test(entry)) throw new Error(`Object ${number} is not in the table`);
    return Number(entry.slice(0, 10));
  };
  const read = (number: number): PdfObject => {
    const begin = bytes.subarray(at(number));
    const text = begin.subarray(0, 1_000).toString('latin1');
    if (!text.startsWith(`${number} 0 obj\n`)) throw new Error(`Object ${number} is not where the table says`);
    const head = text.slice(text.indexOf('\n') + 1).split(/\nstream\n|\nendobj/, 1)[0] ?? '';
    const length = /\/Length (\d+)( 0 R)?/.exec(head);
    if (length === null) return { head, stream: Buffer.alloc(0) };
    const streamAt = text.indexOf('\nstream\n') + '\nstream\n'.length;
    const streamEnd = streamAt + (length[2] === undefined ? Number(length[1]) : Number(read(Number(length[1])).head));
    if (!/^\n?endstream\nendobj\n/.test(begin.subarray(streamEnd, streamEnd + 20).toString('latin1')))
      throw new Error(`The length of object ${number} is wrong`);
    return { head, stream: begin.subarray(streamAt, streamEnd) };
  };
  return read;
}

function unfiltered({ head, stream }: PdfObject): Buffer[] {
  const bits = Number(of(head, /\/Colors (\d+)/)) * Number(of(head, /\/BitsPerComponent (\d+)/));
  const lineBytes = Math.ceil((Number(of(head, /\/Width (\d+)/)) * bits) / 8);
  const height = Number(of(head, /\/Height (\d+)/));
  const plain = inflateSync(stream);
  if (plain.length !== height * (1 + lineBytes)) throw new Error('The image is not as long as it says');
  const lines: Buffer[] = [];
  for (let at = 0; at < plain.length; at += 1 + lineBytes) {
    const line = Buffer.from(plain.subarray(at + 1, at + 1 + lineBytes));
    const above = lines.at(-1);
    if (plain[at] === 2) for (const [x, byte] of line.entries()) line[x] = (byte + (above?.[x] ?? 0)) & 0xff;
    else if (plain[at] !== 0) throw new Error(`Filter ${plain[at]} is none that we write`);
    lines.push(line);
  }
  return lines;
}

function of(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${String(pattern)} is not in ${text.slice(0, 300)}`);
  return found;
}

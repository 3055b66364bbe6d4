/**
 * Some pages of a PDF as a PDF of their own (`page-ranges`, RFC 8011 section 5.2.7): with all that they need and nothing of
 * the others, so that whoever gets the file cannot read what was left out.
 */
import { PdfFile, type PdfObject } from './pdf-file.ts';
import { damaged, dictionaryAt, elementsOf, objectEnd, peek, referenceAt, skipSpace, type Span } from './pdf-syntax.ts';

export interface PageRange {
  readonly lower: number;
  readonly upper: number;
}

interface Page {
  readonly num: number;
  readonly entries: ReadonlyMap<string, Span>;
}

interface Tree {
  readonly pages: Page[];
  /** Object numbers of all pages and of what is above them. */
  readonly nodes: Set<number>;
}

/** What pages have from above (ISO 32000-1 table 30). */
const inherited = ['Resources', 'MediaBox', 'CropBox', 'Rotate'];
/** What leads from a page to others, or belongs to the document as a whole. */
const leadsAway: ReadonlySet<string> = new Set([
  'Parent',
  'StructParents',
  'StructParent',
  'B',
  'PieceInfo',
  'Metadata',
]);
/** Of the whole, what pages look different without. */
const ofCatalog = ['OCProperties', 'OutputIntents'];
const mostPages = 100_000;

/** @throws NethoodError `bad-document` where it is damaged, encrypted, or has none of these pages */
export function selectPages(
  bytes: Buffer,
  ranges: readonly PageRange[],
): { readonly pdf: Buffer; readonly pages: number } {
  const file = new PdfFile(bytes);
  const catalog = file.dictionary(file.trailer.get('Root'));
  const tree = treeOf(file, catalog?.get('Pages'));
  const wanted = tree.pages.filter((_, at) => ranges.some(({ lower, upper }) => at + 1 >= lower && at + 1 <= upper));
  if (wanted.length === 0) throw damaged(`it has ${tree.pages.length} pages, and none of those that are asked for`);
  const copy = new Copy(file, tree.nodes);
  return {
    pdf: copy.write(wanted, new Map(ofCatalog.flatMap((key) => entry(key, catalog?.get(key))))),
    pages: wanted.length,
  };
}

function entry(key: string, value: Span | undefined): [string, Span][] {
  return value === undefined ? [] : [[key, value]];
}

/** In their order (7.7.3). */
function treeOf(file: PdfFile, root: Span | undefined): Tree {
  const tree: Tree = { pages: [], nodes: new Set() };
  const waiting: { span: Span | undefined; above: ReadonlyMap<string, Span> }[] = [{ span: root, above: new Map() }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const num = next.span && referenceAt(next.span.bytes, next.span.from)?.num;
    const own = file.dictionary(next.span);
    if (num === undefined || own === undefined || tree.nodes.has(num)) throw damaged('its pages are in disorder');
    tree.nodes.add(num);
    if (tree.nodes.size > mostPages) throw damaged('it has too many pages');
    const above = new Map([...next.above, ...inherited.flatMap((key) => entry(key, own.get(key)))]);
    const kids = file.resolve(own.get('Kids'));
    if (kids === undefined) tree.pages.push({ num, entries: new Map([...above, ...own]) });
    else
      waiting.push(
        ...elementsOf(kids)
          .toReversed()
          .map((span) => ({ span, above })),
      );
  }
  return tree;
}

class Copy {
  readonly #file: PdfFile;
  /** Those that are not chosen are null in the copy. */
  readonly #nodes: ReadonlySet<number>;
  /** From numbers of the file to numbers of the copy: catalog 1, root of the pages 2. */
  readonly #numbers = new Map<number, number>();
  readonly #waiting: number[] = [];
  readonly #parts: Buffer[] = [Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
  #length = 0;
  readonly #offsets: number[] = [];

  constructor(file: PdfFile, nodes: ReadonlySet<number>) {
    this.#file = file;
    this.#nodes = nodes;
  }

  write(pages: readonly Page[], catalog: ReadonlyMap<string, Span>): Buffer {
    this.#length = this.#parts[0]?.length ?? 0;
    for (const [at, { num }] of pages.entries()) this.#numbers.set(num, at + 3);
    const kids = pages.map((_, at) => `${at + 3} 0 R`).join(' ');
    this.#object(1, `<</Type/Catalog/Pages 2 0 R${this.#entries(catalog)}>>`);
    this.#object(2, `<</Type/Pages/Count ${pages.length}/Kids[${kids}]>>`);
    for (const [at, { entries }] of pages.entries()) this.#object(at + 3, `<</Parent 2 0 R${this.#entries(entries)}>>`);
    // It grows as it is gone through.
    for (const num of this.#waiting) this.#copied(num);
    return this.#finished();
  }

  #copied(num: number): void {
    const object = this.#file.object(num);
    const number = this.#numbers.get(num) ?? 0;
    if (object?.stream === undefined) return this.#object(number, object === undefined ? 'null' : this.#value(object));
    this.#streamObject(number, object, object.stream);
  }

  #streamObject(number: number, object: PdfObject, stream: Buffer): void {
    const entries = new Map(dictionaryAt(object.bytes, object.from));
    entries.delete('Length');
    this.#begin(number);
    this.#add(`<<${this.#entries(entries)}/Length ${stream.length}>>\nstream\n`);
    this.#parts.push(stream);
    this.#length += stream.length;
    this.#add('\nendstream\nendobj\n');
  }

  #object(number: number, text: string): void {
    this.#begin(number);
    this.#add(`${text}\nendobj\n`);
  }

  #begin(number: number): void {
    this.#offsets[number] = this.#length;
    this.#add(`${number} 0 obj\n`);
  }

  #add(text: string): void {
    const part = Buffer.from(text, 'latin1');
    this.#parts.push(part);
    this.#length += part.length;
  }

  #entries(entries: ReadonlyMap<string, Span>): string {
    return Array.from(entries, ([key, value]) =>
      leadsAway.has(key) || this.#isAimedOut(value) ? '' : `/${key} ${this.#value(value)}`,
    ).join('');
  }

  /** A page that is not chosen, or a place on it (12.3.2.2). */
  #isAimedOut(value: Span): boolean {
    const [aim = value] = value.bytes[value.from] === 0x5b ? elementsOf(value) : [];
    const num = referenceAt(aim.bytes, aim.from)?.num;
    return num !== undefined && this.#nodes.has(num) && !this.#numbers.has(num);
  }

  #value({ bytes, from }: Span): string {
    const reference = referenceAt(bytes, from);
    if (reference !== undefined) return this.#reference(reference.num);
    const begin = peek(bytes, from, 2);
    if (begin === '<<') return `<<${this.#entries(dictionaryAt(bytes, from))}>>`;
    const to = objectEnd(bytes, from);
    if (!begin.startsWith('[')) return bytes.toString('latin1', from, to);
    return `[${elementsOf({ bytes, from: skipSpace(bytes, from), to })
      .map((element) => this.#value(element))
      .join(' ')}]`;
  }

  #reference(num: number): string {
    const known = this.#numbers.get(num);
    if (known !== undefined) return `${known} 0 R`;
    if (this.#nodes.has(num)) return 'null';
    const number = this.#numbers.size + 3;
    this.#numbers.set(num, number);
    this.#waiting.push(num);
    return `${number} 0 R`;
  }

  #finished(): Buffer {
    const start = this.#length;
    const rows = Array.from(this.#offsets.slice(1), (offset) => `${String(offset).padStart(10, '0')} 00000 n \n`);
    const size = rows.length + 1;
    this.#add(`xref\n0 ${size}\n0000000000 65535 f \n${rows.join('')}`);
    this.#add(`trailer\n<</Size ${size}/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`);
    return Buffer.concat(this.#parts);
  }
}

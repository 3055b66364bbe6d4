/**
 * PWG and Apple raster off a stream, in pieces of any size (PWG 5102.4 section 4.4): document header; for each page its
 * header and its lines. A line is a count of repetitions and then runs: 0–127 = one unit, so often and once more;
 * 129–255 = 257 less so many units as they are; 128 = paper to the end of the line (CUPS' reading for both formats).
 *
 * One line is all that is held. What does not fit – a run beyond its line, a line beyond its page – is refused: nothing
 * after it could be trusted.
 */
import type { RasterKind } from './raster-header.ts';
import {
  badRaster,
  bytesPerLine,
  bytesPerUnit,
  checkPage,
  paperByte,
  type RasterLimits,
  type RasterPage,
} from './raster-page.ts';

export type RasterEvent =
  | { readonly type: 'page'; readonly page: RasterPage }
  /** The bytes are used again after the event. */
  | { readonly type: 'line'; readonly bytes: Buffer; readonly times: number }
  | { readonly type: 'page-end' };

/** What the next bytes are. */
type Step = 'file-header' | 'page-header' | 'times' | 'run' | 'unit' | 'literal';

const paperToEnd = 0x80;

export class RasterDecoder {
  readonly #kind: RasterKind;
  readonly #limits: RasterLimits;
  #step: Step = 'file-header';
  /** What the step collects: a header, a unit, a line. `#filled` bytes of it are there. */
  #into: Buffer;
  #filled = 0;
  #line: Buffer = Buffer.alloc(0);
  /** Bytes of the line that are there. */
  #lineFilled = 0;
  #unit: Buffer = Buffer.alloc(0);
  /** Bytes of the line that the run covers. */
  #runBytes = 0;
  #times = 0;
  #linesLeft = 0;
  #paper = 0xff;
  #pages = 0;
  #bytes = 0;

  constructor(kind: RasterKind, limits: RasterLimits) {
    this.#kind = kind;
    this.#limits = limits;
    this.#into = Buffer.alloc(kind.fileHeaderBytes);
  }

  /** @throws NethoodError `bad-document`; the decoder is of no use after that */
  *write(piece: Buffer): Generator<RasterEvent, void, undefined> {
    let at = 0;
    while (at < piece.length) {
      if (this.#step === 'times' || this.#step === 'run') {
        this.#control(piece[at] ?? 0);
        at += 1;
      } else {
        at += this.#collect(piece, at);
        if (this.#filled < this.#into.length) return;
        yield* this.#collected();
      }
      if (this.#step === 'run' && this.#lineFilled === this.#line.length) yield* this.#endLine();
    }
  }

  /** @throws NethoodError `bad-document` where a page is not whole, or there is none */
  end(): void {
    if (this.#step !== 'page-header' || this.#filled > 0 || this.#pages === 0) throw badRaster('it breaks off');
  }

  #expect(step: Step, into: Buffer): void {
    this.#step = step;
    this.#into = into;
    this.#filled = 0;
  }

  #collect(piece: Buffer, at: number): number {
    const part = piece.subarray(at, at + this.#into.length - this.#filled);
    this.#into.set(part, this.#filled);
    this.#filled += part.length;
    return part.length;
  }

  *#collected(): Generator<RasterEvent, void, undefined> {
    const { magic, pageHeaderBytes } = this.#kind;
    if (this.#step === 'file-header') {
      if (!this.#into.subarray(0, magic.length).equals(magic)) throw badRaster('its first bytes are others');
      this.#expect('page-header', Buffer.alloc(pageHeaderBytes));
    } else if (this.#step === 'page-header') yield { type: 'page', page: this.#beginPage() };
    else {
      if (this.#step === 'unit') this.#line.fill(this.#unit, this.#lineFilled, this.#lineFilled + this.#runBytes);
      this.#lineFilled += this.#runBytes;
      this.#step = 'run';
    }
  }

  #beginPage(): RasterPage {
    const page = this.#kind.readPage(this.#into);
    checkPage(page, this.#limits);
    this.#pages += 1;
    this.#bytes += bytesPerLine(page) * page.height;
    if (this.#pages > this.#limits.pages) throw badRaster(`it has more than ${this.#limits.pages} pages`);
    if (this.#bytes > this.#limits.bytes) throw badRaster('it has too many pixels');
    this.#line = Buffer.alloc(bytesPerLine(page));
    this.#unit = Buffer.alloc(bytesPerUnit(page));
    this.#paper = paperByte(page);
    this.#linesLeft = page.height;
    this.#step = 'times';
    return page;
  }

  #control(byte: number): void {
    if (this.#step === 'times') {
      this.#times = byte + 1;
      if (this.#times > this.#linesLeft) throw badRaster('a page has more lines than it says');
      this.#lineFilled = 0;
      this.#step = 'run';
    } else if (byte === paperToEnd) {
      this.#line.fill(this.#paper, this.#lineFilled);
      this.#lineFilled = this.#line.length;
    } else this.#beginRun(byte);
  }

  #beginRun(byte: number): void {
    const repeated = byte < paperToEnd;
    this.#runBytes = this.#unit.length * (repeated ? byte + 1 : 257 - byte);
    if (this.#runBytes > this.#line.length - this.#lineFilled) throw badRaster('a line is longer than its page');
    if (repeated) this.#expect('unit', this.#unit);
    else this.#expect('literal', this.#line.subarray(this.#lineFilled, this.#lineFilled + this.#runBytes));
  }

  *#endLine(): Generator<RasterEvent, void, undefined> {
    yield { type: 'line', bytes: this.#line, times: this.#times };
    this.#linesLeft -= this.#times;
    this.#step = 'times';
    if (this.#linesLeft > 0) return;
    yield { type: 'page-end' };
    this.#expect('page-header', Buffer.alloc(this.#kind.pageHeaderBytes));
  }
}

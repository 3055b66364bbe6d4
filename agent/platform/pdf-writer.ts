/**
 * PDF (ISO 32000-1) as a stream: each page is one image that fills it. What is not known beforehand – the length of an
 * image, the list of pages, where each object lies – comes after it, so that nothing is held but one number an object.
 */
import { badRaster, bytesPerLine, colorsOf, type RasterPage } from './raster-page.ts';

/** PDF 1.5 brought colours of 16 bits. The second line tells those who copy files that this one is binary (7.5.2). */
const header = Buffer.from('%PDF-1.5\n%\xe2\xe3\xcf\xd3\n', 'latin1');

/** An entry of the table of objects has ten digits (7.5.4). */
const mostBytes = 9_999_999_999;

const catalogObject = 1;
const pagesObject = 2;
const pointsPerInch = 72;

/** Adobe RGB (1998) as 8.6.5.3 writes colours: white point, gammas and matrix of its definition. */
const adobeRgb =
  '[/CalRGB <</WhitePoint [0.9505 1 1.0891] /Gamma [2.19921875 2.19921875 2.19921875] /Matrix ' +
  '[0.57667 0.29734 0.02703 0.18556 0.62736 0.07069 0.18823 0.07529 0.99134]>>]';

const spaces: Readonly<Record<RasterPage['space'], string>> = {
  gray: '/DeviceGray',
  rgb: '/DeviceRGB',
  'adobe-rgb': adobeRgb,
  cmyk: '/DeviceCMYK',
  black: '/DeviceGray',
};

export class PdfWriter {
  /** Where each object begins; 0 is none, 1 and 2 are written last. */
  readonly #offsets: number[] = [0, 0, 0];
  readonly #pages: number[] = [];
  #bytes = 0;
  #imageBegin = 0;

  get pages(): number {
    return this.#pages.length;
  }

  begin(): Buffer {
    return this.#count(header);
  }

  /** Then come the image's bytes, each piece through `image`, then `endPage`. */
  beginPage(page: RasterPage): Buffer {
    const image = this.#offsets.length;
    const [width, height] = [inPoints(page.width, page.resolution.x), inPoints(page.height, page.resolution.y)];
    const drawing = `${drawingOf(page, width, height)}\n`;
    const number = image + 1;
    const parts = [
      this.#object(
        number,
        `<</Type /Page /Parent ${pagesObject} 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${image + 2} 0 R ` +
          `/Resources <</XObject <</I ${image} 0 R>>>>>>`,
      ),
      this.#object(image + 2, `<</Length ${drawing.length}>>\nstream\n${drawing}endstream`),
      this.#open(image, `${imageDictionary(page, image + 3)}\nstream\n`),
    ];
    this.#pages.push(number);
    this.#imageBegin = this.#bytes;
    return Buffer.concat(parts);
  }

  image(piece: Buffer): Buffer {
    return this.#count(piece);
  }

  /** @throws NethoodError `bad-document` beyond what PDF can say */
  endPage(): Buffer {
    const length = this.#bytes - this.#imageBegin;
    if (this.#bytes > mostBytes) throw badRaster('its PDF would be too long');
    const end = this.#count(Buffer.from('\nendstream\nendobj\n'));
    return Buffer.concat([end, this.#object(this.#offsets.length, String(length))]);
  }

  end(): Buffer {
    const kids = this.#pages.map((page) => `${page} 0 R`).join(' ');
    const parts = [
      this.#object(pagesObject, `<</Type /Pages /Count ${this.#pages.length} /Kids [${kids}]>>`),
      this.#object(catalogObject, `<</Type /Catalog /Pages ${pagesObject} 0 R>>`),
    ];
    const tableAt = this.#bytes;
    const count = this.#offsets.length;
    const entries = this.#offsets.map((offset, at) =>
      at === 0 ? '0000000000 65535 f \n' : `${String(offset).padStart(10, '0')} 00000 n \n`,
    );
    const table = `xref\n0 ${count}\n${entries.join('')}`;
    const trailer = `trailer\n<</Size ${count} /Root ${catalogObject} 0 R>>\nstartxref\n${tableAt}\n%%EOF\n`;
    return Buffer.concat([...parts, this.#count(Buffer.from(table + trailer))]);
  }

  #object(number: number, content: string): Buffer {
    return this.#open(number, `${content}\nendobj\n`);
  }

  #open(number: number, content: string): Buffer {
    this.#offsets[number] = this.#bytes;
    return this.#count(Buffer.from(`${number} 0 obj\n${content}`, 'latin1'));
  }

  #count(piece: Buffer): Buffer {
    this.#bytes += piece.length;
    return piece;
  }
}

/** Where a line begins with the PNG filter that it is under (7.4.4.4), a repeated one costs nothing. */
function imageDictionary(page: RasterPage, lengthObject: number): string {
  const { width, height, bitsPerColor, space } = page;
  const decode = space === 'black' ? '/Decode [1 0] ' : '';
  return (
    `<</Type /XObject /Subtype /Image /Width ${width} /Height ${height} /BitsPerComponent ${bitsPerColor} ` +
    `/ColorSpace ${spaces[space]} ${decode}/Filter /FlateDecode /DecodeParms <</Predictor 15 ` +
    `/Colors ${colorsOf(page)} /BitsPerComponent ${bitsPerColor} /Columns ${width}>> /Length ${lengthObject} 0 R>>`
  );
}

const asItIs = 0;
const sameAsAbove = 2;

/** The first of the repetitions, and the others. */
export function filteredLine(line: Buffer): Buffer {
  const filtered = Buffer.allocUnsafe(1 + line.length);
  filtered[0] = asItIs;
  line.copy(filtered, 1);
  return filtered;
}

export function repeatedLine(page: RasterPage): Buffer {
  const filtered = Buffer.alloc(1 + bytesPerLine(page));
  filtered[0] = sameAsAbove;
  return filtered;
}

function drawingOf({ mirrored }: RasterPage, width: number, height: number): string {
  const [x, left] = mirrored.x ? [-width, width] : [width, 0];
  const [y, bottom] = mirrored.y ? [-height, height] : [height, 0];
  return `${x} 0 0 ${y} ${left} ${bottom} cm /I Do`;
}

/** Ten-thousandths of a point are finer than any pixel. */
function inPoints(pixels: number, resolution: number): number {
  return Math.round((pixels / resolution) * pointsPerInch * 10_000) / 10_000;
}

/** Aligned columns. Cells are escaped here, so that no name can break out of its place. Pure. */
import { escapeText } from './escape.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'right';
}

const gap = '  ';

export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const titles = columns.map(({ title }) => title);
  const cells = rows.map((row) => columns.map(({ cell }) => escapeText(cell(row))));
  const widths = columns.map((_, at) => Math.max(...[titles, ...cells].map((line) => textWidth(line[at] ?? ''))));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) => padded(text, widths[at] ?? 0, columns[at]?.align))
      .join(gap)
      .trimEnd();
  return [line(titles), ...cells.map(line)];
}

export function padded(text: string, width: number, align?: 'right'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'right' ? space + text : text + space;
}

/** East Asian wide and emoji take two columns, combining marks none (a good part of UAX 11; the rest is a matter of the terminal). */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const mark = /\p{M}/u;

export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

function charWidth(char: string): number {
  if (char <= '\u007f') return 1;
  if (mark.test(char)) return 0;
  return wide.test(char) ? 2 : 1;
}

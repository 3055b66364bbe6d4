/** What the built-in PDF printer says of itself (RFC 8011 section 5.4, PWG 5100.7, 5102.4): any size, colour, one copy, nothing of paper. */
import {
  attributes,
  boolean,
  collection,
  enumeration,
  integer,
  keyword,
  mimeMediaType,
  printerState,
  range,
  resolution,
  text,
} from '../printing/ipp-attributes.ts';
import { orientations, printQualities } from '../printing/ipp-tables.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';

/** PWG 5101.1 names, and width and height in hundredths of a millimetre. */
const sizes = [
  ['iso_a4_210x297mm', 21_000, 29_700],
  ['na_letter_8.5x11in', 21_590, 27_940],
  ['iso_a3_297x420mm', 29_700, 42_000],
  ['iso_a5_148x210mm', 14_800, 21_000],
  ['na_legal_8.5x14in', 21_590, 35_560],
] as const;

const sizeOf = (x: number, y: number) => collection({ 'x-dimension': integer(x), 'y-dimension': integer(y) });
const mediaOf = (x: number, y: number) => ({
  'media-size': sizeOf(x, y),
  'media-top-margin': integer(0),
  'media-bottom-margin': integer(0),
  'media-left-margin': integer(0),
  'media-right-margin': integer(0),
});
const names = sizes.map(([name]) => name);
const [[firstName, firstX, firstY]] = sizes;

export const pdfAttributes: AttributeGroup = attributes({
  'document-format-supported': mimeMediaType(
    'application/pdf',
    'image/pwg-raster',
    'image/urf',
    'image/jpeg',
    'text/plain',
  ),
  'pwg-raster-document-resolution-supported': resolution(300, 600),
  'pwg-raster-document-type-supported': keyword(
    'black_1',
    'sgray_8',
    'sgray_16',
    'srgb_8',
    'srgb_16',
    'adobe-rgb_8',
    'cmyk_8',
  ),
  'pwg-raster-document-sheet-back': keyword('normal'),
  // Gray and sRGB of 8 bits a colour; one copy, 300 and 600 dpi, normal quality, plain paper, one input, one output.
  'urf-supported': keyword('V1.4', 'CP1', 'W8', 'SRGB24', 'RS300-600', 'PQ4', 'MT1', 'IS1', 'OB10'),
  'pdf-versions-supported': keyword('adobe-1.7', 'iso-32000-1_2008'),
  'printer-make-and-model': text('nethood PDF'),
  'printer-state': printerState('idle'),
  'color-supported': boolean(true),
  'copies-default': integer(1),
  'copies-supported': range(1, 1),
  'finishings-default': enumeration(3),
  'finishings-supported': enumeration(3),
  'media-default': keyword(firstName),
  'media-supported': keyword(...names),
  'media-ready': keyword(...names),
  'media-size-supported': sizes.flatMap(([, x, y]) => sizeOf(x, y)),
  'media-col-default': collection(mediaOf(firstX, firstY)),
  'media-col-ready': collection(...sizes.map(([, x, y]) => mediaOf(x, y))),
  'media-col-database': collection(...sizes.map(([, x, y]) => mediaOf(x, y))),
  'media-col-supported': keyword(...Object.keys(mediaOf(0, 0))),
  'media-top-margin-supported': integer(0),
  'media-bottom-margin-supported': integer(0),
  'media-left-margin-supported': integer(0),
  'media-right-margin-supported': integer(0),
  'orientation-requested-default': enumeration(orientations.portrait),
  'orientation-requested-supported': enumeration(orientations.portrait),
  'output-bin-default': keyword('face-down'),
  'output-bin-supported': keyword('face-down'),
  'page-ranges-supported': boolean(true),
  'print-color-mode-default': keyword('auto'),
  'print-color-mode-supported': keyword('auto', 'color'),
  'print-quality-default': enumeration(printQualities.normal),
  'print-quality-supported': enumeration(printQualities.normal),
  'printer-resolution-default': resolution(300),
  'printer-resolution-supported': resolution(300, 600),
  'sides-default': keyword('one-sided'),
  'sides-supported': keyword('one-sided'),
});

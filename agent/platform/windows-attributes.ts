/** What a printer of Windows says of itself (RFC 8011 section 5.4, PWG 5100.7), from what its driver tells .NET. */
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
import type { Queue } from '../printing/print-backend.ts';
import { type Media, mediaOf } from './windows-media.ts';
import type { WindowsAbilities } from './windows-protocol.ts';

/** Raster becomes PDF on its way; Windows draws the rest by itself. */
export const windowsFormats = ['application/pdf', 'image/jpeg', 'image/pwg-raster', 'image/urf', 'text/plain'] as const;

/** By DMDUP_*; 2 and 3 are named after the edge that the pages turn over at. */
const sides: Readonly<Record<number, string>> = { 2: 'two-sided-long-edge', 3: 'two-sided-short-edge' };
const mostCopies = 999;

/** A driver that tells no size of paper prints on what it has. */
const fallback: Media = { name: 'iso_a4_210x297mm', x: 21_000, y: 29_700, kind: 9 };

const sizeOf = ({ x, y }: Media) => collection({ 'x-dimension': integer(x), 'y-dimension': integer(y) });

export function windowsAttributes(queue: Queue, abilities: WindowsAbilities): AttributeGroup {
  return attributes({
    'document-format-supported': mimeMediaType(...windowsFormats),
    'pwg-raster-document-resolution-supported': resolution(300, 600),
    'pwg-raster-document-type-supported': keyword('black_1', 'sgray_8', 'srgb_8'),
    'pwg-raster-document-sheet-back': keyword('normal'),
    'pdf-versions-supported': keyword('adobe-1.7', 'iso-32000-1_2008'),
    'printer-make-and-model': text(queue.makeAndModel),
    'printer-location': text(queue.location),
    'printer-state': printerState(queue.state),
    ...mediaAttributes(abilities),
    ...ticketAttributes(abilities),
  });
}

function mediaAttributes({ papers, defaultPaper }: WindowsAbilities) {
  const told = mediaOf(papers);
  const media = told.length > 0 ? told : [fallback];
  const usual = media.find(({ kind }) => kind === defaultPaper) ?? media[0] ?? fallback;
  const column = (each: Media) => ({ 'media-size': sizeOf(each) });
  return {
    'media-default': keyword(usual.name),
    'media-supported': keyword(...media.map(({ name }) => name)),
    'media-ready': keyword(usual.name),
    'media-size-supported': media.flatMap(sizeOf),
    'media-col-default': collection(column(usual)),
    'media-col-ready': collection(column(usual)),
    'media-col-database': collection(...media.map(column)),
    'media-col-supported': keyword('media-size'),
  };
}

function ticketAttributes({ color, defaultColor, duplex, defaultDuplex, copies }: WindowsAbilities) {
  const { portrait, landscape } = orientations;
  return {
    'color-supported': boolean(color),
    'copies-default': integer(1),
    'copies-supported': range(1, Math.min(Math.max(1, copies), mostCopies)),
    'multiple-document-handling-default': keyword('separate-documents-collated-copies'),
    'multiple-document-handling-supported': keyword(
      'separate-documents-uncollated-copies',
      'separate-documents-collated-copies',
    ),
    'orientation-requested-supported': enumeration(portrait, landscape),
    'page-ranges-supported': boolean(true),
    'print-color-mode-default': keyword(color && defaultColor ? 'color' : 'monochrome'),
    'print-color-mode-supported': keyword('auto', 'monochrome', ...(color ? ['color'] : [])),
    'print-quality-default': enumeration(printQualities.normal),
    'print-quality-supported': enumeration(printQualities.draft, printQualities.normal, printQualities.high),
    'print-scaling-default': keyword('auto'),
    'print-scaling-supported': keyword('auto', 'auto-fit', 'fit', 'fill', 'none'),
    'printer-resolution-default': resolution(300),
    'printer-resolution-supported': resolution(300),
    'sides-default': keyword((duplex ? sides[defaultDuplex] : undefined) ?? 'one-sided'),
    'sides-supported': keyword('one-sided', ...(duplex ? Object.values(sides) : [])),
  };
}

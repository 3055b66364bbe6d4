/**
 * What IPP Everywhere (PWG 5100.14 section 5.2) wants every printer to say and some destinations leave out (CUPS with a
 * PPD, a raw queue, the class driver of another system): derived from what the destination does say, else the value by
 * which the standards mean "whatever there is" or "not known". Whatever the destination says stands before these.
 */
import {
  attributes,
  boolean,
  collection,
  enumeration,
  firstBoolean,
  firstNumber,
  firstString,
  integer,
  keyword,
  noValue,
  range,
  resolution,
  stringsOf,
  text,
  unknownValue,
  type AttributeTable,
  type IppValues,
} from './ipp-attributes.ts';
import { orientations, printQualities } from './ipp-tables.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { automatic } from './printer-parts.ts';

/** A destination's description as far as it goes, and the rest. */
export function completed(described: AttributeGroup, formats: readonly string[]): AttributeGroup {
  return new Map([...attributes(minimumAttributes(described, formats)), ...described]);
}

/** @param formats what the front takes for this printer */
function minimumAttributes(described: AttributeGroup, formats: readonly string[]): AttributeTable {
  return {
    ...ticketMinimum(described),
    ...mediaMinimum(described),
    ...descriptionMinimum(described),
    ...(formats.includes('image/pwg-raster') ? rasterMinimum(described) : {}),
    ...(formats.includes('image/urf') ? { 'urf-supported': keyword(...urf(described)) } : {}),
  };
}

/** RFC 8011 5.2: none of finishing; IPP's enum of PWG 5100.1. */
const noFinishing = 3;

function ticketMinimum(described: AttributeGroup): AttributeTable {
  return {
    'copies-default': integer(1),
    'copies-supported': range(1, 1),
    'finishings-default': enumeration(noFinishing),
    'finishings-supported': enumeration(noFinishing),
    'orientation-requested-default': noValue,
    'orientation-requested-supported': enumeration(orientations.portrait),
    'output-bin-default': firstOf(described, 'output-bin-supported') ?? automatic,
    'output-bin-supported': automatic,
    // Nothing may be overridden; but these are how pages and documents would be named (PWG 5100.6 section 4.1). The second
    // name is that of its first edition, which suites still look for.
    'overrides-supported': keyword('pages', 'document-numbers', 'document-number'),
    'page-ranges-supported': boolean(false),
    'print-color-mode-default': firstOf(described, 'print-color-mode-supported') ?? automatic,
    'print-color-mode-supported': automatic,
    'print-content-optimize-default': automatic,
    'print-content-optimize-supported': automatic,
    'print-quality-default': enumeration(printQualities.normal),
    'print-quality-supported': enumeration(printQualities.normal),
    'print-rendering-intent-default': automatic,
    'print-rendering-intent-supported': automatic,
    'print-scaling-default': firstOf(described, 'print-scaling-supported') ?? automatic,
    'print-scaling-supported': automatic,
    'sides-default': keyword('one-sided'),
    'sides-supported': keyword('one-sided'),
  };
}

function mediaMinimum(described: AttributeGroup): AttributeTable {
  const usual = described.get('media-col-default');
  const sizes = described.get('media-size-supported');
  return {
    'media-source-supported': automatic,
    'media-type-supported': automatic,
    'media-ready': described.get('media-default'),
    'media-col-ready': usual,
    'media-col-database': sizes?.flatMap((size) => collection({ 'media-size': [size] })) ?? usual,
  };
}

function descriptionMinimum(described: AttributeGroup): AttributeTable {
  const color = firstBoolean(described, 'color-supported') === true;
  // The least that is a speed at all: CUPS says the same for a PPD without one.
  const speed = firstNumber(described, 'pages-per-minute') ?? 1;
  return {
    'color-supported': boolean(false),
    'pages-per-minute': integer(speed),
    'pages-per-minute-color': color ? integer(speed) : undefined,
    'printer-geo-location': unknownValue,
    'printer-organization': text(''),
    'printer-organizational-unit': text(''),
    'printer-state-message': text(''),
  };
}

/** PWG 5102.4 section 5: of a destination that takes raster and does not say of which kind. */
function rasterMinimum(described: AttributeGroup): AttributeTable {
  const color = firstBoolean(described, 'color-supported') === true;
  return {
    'pwg-raster-document-type-supported': keyword('black_1', 'sgray_8', ...(color ? ['srgb_8'] : [])),
    'pwg-raster-document-resolution-supported': resolutions(described) ?? resolution(300),
    'pwg-raster-document-sheet-back': keyword('normal'),
  };
}

/** As Apple raster has it: version, copies, depth, colour, resolution, duplex. */
function urf(described: AttributeGroup): string[] {
  const dots = (resolutions(described) ?? []).flatMap((value) => (value.tag === 'resolution' ? [value.x] : []));
  const duplex = stringsOf(described, 'sides-supported').some((side) => side.startsWith('two-sided'));
  const color = firstBoolean(described, 'color-supported') === true;
  return [
    'V1.4',
    'CP1',
    'W8',
    ...(color ? ['SRGB24'] : []),
    `RS${dots.length > 0 ? dots.join('-') : 300}`,
    ...(duplex ? ['DM1'] : []),
  ];
}

/** Square ones: raster has no others. */
function resolutions(described: AttributeGroup): IppValues | undefined {
  const values = described.get('printer-resolution-supported') ?? described.get('printer-resolution-default') ?? [];
  const square = values.filter((value) => value.tag === 'resolution' && value.x === value.y && value.unit === 'dpi');
  return square.length > 0 ? square : undefined;
}

function firstOf(described: AttributeGroup, supported: string): IppValues | undefined {
  const offered = stringsOf(described, supported);
  const usual = offered.includes('auto') ? 'auto' : firstString(described, supported);
  return usual === undefined ? undefined : keyword(usual);
}

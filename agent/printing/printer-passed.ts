/** What a printer's destination says of it and everybody may know: the job template, and what describes the device itself. */
import { attributeSyntax } from './ipp-tables.ts';
import type { AttributeGroup, IppValue } from './ipp-values.ts';

/** An attribute of the Job Template kind: `media`, `sides-supported`, `media-col-ready`. */
export function isTemplateAttribute(attribute: string): boolean {
  const base = attribute.replace(/-(default|supported|ready|database)$/, '');
  return base.startsWith('media-') || isTicketAttribute(base);
}

/** One that a job may have: `media`, `sides`, `media-col`. */
export function isTicketAttribute(attribute: string): boolean {
  return attribute === 'overrides' || attributeSyntax('job-template', attribute) !== undefined;
}

/** Beside the job template: true wherever it is asked. */
const passedNames = new Set([
  'color-supported',
  'feed-orientation-supported',
  'feed-orientation-default',
  'printer-location',
  'printer-make-and-model',
  'printer-state-message',
  'printer-device-id',
  'printer-geo-location',
  'printer-organization',
  'printer-organizational-unit',
  'printer-supply',
  'printer-supply-description',
  'printer-input-tray',
  'printer-output-tray',
  'printer-alert',
  'printer-alert-description',
  'printer-kind',
  'pages-per-minute',
  'pages-per-minute-color',
  'urf-supported',
  'mopria-certified',
  'landscape-orientation-requested-preferred',
  'job-impressions-supported',
  'job-media-sheets-supported',
  'job-constraints-supported',
  'job-resolvers-supported',
  'job-presets-supported',
]);
const passedPrefixes = ['pwg-raster-document-', 'jpeg-', 'pdf-', 'marker-', 'print-'];
/** Of the template, what belongs to the spool and not to the device. */
const ownTemplate = /^(job-hold-until|job-priority|job-delay|job-retain|job-cancel|job-account|job-accounting)/;

export function passedOn(described: AttributeGroup): [string, readonly IppValue[]][] {
  return Array.from(described)
    .filter(([attribute]) => isPassed(attribute))
    .map(([attribute, values]): [string, readonly IppValue[]] => [attribute, wordsOnly(values)])
    .filter(([, values]) => values.length > 0);
}

function isPassed(attribute: string): boolean {
  if (ownTemplate.test(attribute)) return false;
  if (passedNames.has(attribute) || isTemplateAttribute(attribute)) return true;
  return passedPrefixes.some((prefix) => attribute.startsWith(prefix));
}

/**
 * Keywords must be words: Windows 11 stays at "connecting" at a media-source of '0' (OpenPrinting/cups #859). In
 * `media-col` too, there the member goes.
 */
function wordsOnly(values: readonly IppValue[]): readonly IppValue[] {
  return values.flatMap((value): IppValue[] => {
    if (value.tag === 'keyword') return /^\d+$/.test(value.value) ? [] : [value];
    if (value.tag !== 'collection') return [value];
    const members = Array.from(value.members)
      .map(([name, each]): [string, readonly IppValue[]] => [name, wordsOnly(each)])
      .filter(([, each]) => each.length > 0);
    return [{ tag: 'collection', members: new Map(members) }];
  });
}

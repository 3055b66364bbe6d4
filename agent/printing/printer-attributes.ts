/**
 * What a printer of ours says of itself: media, colour, sides, resolution and state as the destination gives them, never
 * invented; addresses, names, formats and operations as nethood's front has them (RFC 8011 section 5.4).
 */
import type { DeviceId } from '../../protocol/ids.ts';
import { documentFormats, anyFormat } from './document-format.ts';
import {
  attributes,
  boolean,
  charset,
  dateTime,
  enumeration,
  firstBoolean,
  integer,
  keyword,
  mimeMediaType,
  name,
  naturalLanguage,
  printerState,
  stringsOf,
  text,
  uri,
  type AttributeTable,
} from './ipp-attributes.ts';
import { attributeSyntax, operations } from './ipp-tables.ts';
import type { AttributeGroup, IppValue } from './ipp-values.ts';
import { printerInstanceName } from './printer-name.ts';
import { printerUuid, type Printer } from './printer.ts';
import { multipleOperationTimeOut } from './spool.ts';

/** How the asker reaches us: `nh-k3q7x2mf.local:6632`. */
export interface FrontAddress {
  readonly authority: string;
  /** Of the connection that asks. */
  readonly encrypted: boolean;
  /** What stands before the queue's name: `/ipp/print/`. */
  readonly prefix: string;
  /** How the queue can be asked under this authority, and how the asker shows who it is. */
  readonly doors: readonly { readonly encrypted: boolean; readonly authentication: string }[];
}

export interface PrinterFacts {
  readonly device: DeviceId;
  readonly deviceName: string;
  /** Wall-clock milliseconds when the agent started, and now. */
  readonly started: number;
  readonly now: number;
  readonly queuedJobs: number;
}

export const compressions = ['none', 'gzip', 'deflate'] as const;

const supportedOperations = [
  'Print-Job',
  'Validate-Job',
  'Create-Job',
  'Send-Document',
  'Cancel-Job',
  'Get-Job-Attributes',
  'Get-Jobs',
  'Get-Printer-Attributes',
] as const;

export const whichJobs = [
  'completed',
  'not-completed',
  'all',
  'aborted',
  'canceled',
  'pending',
  'pending-held',
  'processing',
  'processing-stopped',
] as const;

export function printerAttributes(
  printer: Printer,
  described: AttributeGroup,
  address: FrontAddress,
  facts: PrinterFacts,
): AttributeGroup {
  return new Map([
    ...passedOn(described),
    ...attributes(fixedAttributes),
    ...attributes(addressAttributes(printer, address)),
    ...attributes(identityAttributes(printer, facts)),
    ...attributes(stateAttributes(printer, facts)),
    ...attributes(formatAttributes(described)),
  ]);
}

/** `ipps://host:port/ipp/print/laser` */
export function printerUri({ id }: Pick<Printer, 'id'>, { authority, prefix, encrypted }: FrontAddress): string {
  return `${encrypted ? 'ipps' : 'ipp'}://${authority}${prefix}${encodeURIComponent(id)}`;
}

/** Our formats among those that the destination takes. */
export function acceptedFormats(described: AttributeGroup): string[] {
  const taken = stringsOf(described, 'document-format-supported');
  return documentFormats.filter((format) => taken.includes(format));
}

/** An attribute of the Job Template kind: `media`, `sides-supported`, `media-col-ready`. */
export function isTemplateAttribute(attribute: string): boolean {
  const base = attribute.replace(/-(default|supported|ready|database)$/, '');
  return base.startsWith('media-') || attributeSyntax('job-template', base) !== undefined;
}

/** Beside the job template: what describes the device and is true wherever it is asked. */
const passedNames = new Set([
  'color-supported',
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
  'printer-kind',
  'pages-per-minute',
  'pages-per-minute-color',
  'urf-supported',
  'mopria-certified',
  'landscape-orientation-requested-preferred',
  'job-impressions-supported',
  'job-media-sheets-supported',
]);
const passedPrefixes = ['pwg-raster-document-', 'jpeg-', 'pdf-', 'marker-', 'print-'];
/** Of the template, what belongs to the spool and not to the device. */
const ownTemplate = /^(job-hold-until|job-priority|job-delay|job-retain|job-cancel|job-account|job-accounting)/;

function passedOn(described: AttributeGroup): [string, readonly IppValue[]][] {
  return Array.from(described)
    .filter(([attribute]) => isPassed(attribute))
    .map(([attribute, values]): [string, readonly IppValue[]] => [
      attribute,
      values.filter((value) => !isBareNumber(value)),
    ])
    .filter(([, values]) => values.length > 0);
}

function isPassed(attribute: string): boolean {
  if (ownTemplate.test(attribute)) return false;
  if (passedNames.has(attribute) || isTemplateAttribute(attribute)) return true;
  return passedPrefixes.some((prefix) => attribute.startsWith(prefix));
}

/** Keywords must be words: Windows 11 stays at "connecting" at a media-source of '0' (OpenPrinting/cups #859). */
function isBareNumber(value: IppValue): boolean {
  return value.tag === 'keyword' && /^\d+$/.test(value.value);
}

const fixedAttributes: AttributeTable = {
  'charset-configured': charset('utf-8'),
  'charset-supported': charset('utf-8', 'us-ascii'),
  'natural-language-configured': naturalLanguage('en'),
  'generated-natural-language-supported': naturalLanguage('en'),
  'ipp-versions-supported': keyword('1.1', '2.0'),
  'operations-supported': enumeration(...supportedOperations.map((operation) => operations[operation])),
  'compression-supported': keyword(...compressions),
  'document-format-default': mimeMediaType(anyFormat),
  'multiple-document-jobs-supported': boolean(false),
  'multiple-operation-time-out': integer(multipleOperationTimeOut),
  'multiple-operation-time-out-action': keyword('abort-job'),
  'pdl-override-supported': keyword('attempted'),
  'preferred-attributes-supported': boolean(false),
  'job-hold-until-default': keyword('no-hold'),
  'job-hold-until-supported': keyword('no-hold'),
  'which-jobs-supported': keyword(...whichJobs),
};

function addressAttributes(printer: Printer, address: FrontAddress): AttributeTable {
  const { doors } = address;
  const uris = doors.map(({ encrypted }) => printerUri(printer, { ...address, encrypted }));
  return {
    'printer-uri-supported': uri(...uris),
    'uri-security-supported': keyword(...doors.map(({ encrypted }) => (encrypted ? 'tls' : 'none'))),
    'uri-authentication-supported': keyword(...doors.map(({ authentication }) => authentication)),
    // http is to https as ipp to ipps.
    'printer-more-info': uri(printerUri(printer, address).replace('ipp', 'http')),
  };
}

function identityAttributes({ id, queue }: Printer, { device, deviceName }: PrinterFacts): AttributeTable {
  return {
    'printer-name': name(id),
    'printer-info': text(queue.info === '' ? id : queue.info),
    'printer-location': text(queue.location),
    'printer-make-and-model': text(queue.makeAndModel === '' ? 'Unknown' : queue.makeAndModel),
    'printer-dns-sd-name': name(printerInstanceName(queue.info === '' ? id : queue.info, deviceName)),
    'printer-uuid': uri(`urn:uuid:${printerUuid(device, id)}`),
  };
}

function stateAttributes({ queue, stateChanged, configChanged }: Printer, facts: PrinterFacts): AttributeTable {
  const { started, now, queuedJobs } = facts;
  return {
    'printer-state': printerState(queue.state),
    'printer-state-reasons': keyword(...(queue.stateReasons.length === 0 ? ['none'] : queue.stateReasons)),
    'printer-state-change-time': integer(upTime(started, stateChanged)),
    'printer-state-change-date-time': dateTime(stateChanged),
    'printer-config-change-time': integer(upTime(started, configChanged)),
    'printer-config-change-date-time': dateTime(configChanged),
    'printer-is-accepting-jobs': boolean(queue.accepting),
    'printer-up-time': integer(upTime(started, now)),
    'printer-current-time': dateTime(now),
    'queued-job-count': integer(queuedJobs),
  };
}

function formatAttributes(described: AttributeGroup): AttributeTable {
  const formats = acceptedFormats(described);
  return {
    'document-format-supported': mimeMediaType(anyFormat, ...formats),
    'document-format-preferred': formats[0] === undefined ? undefined : mimeMediaType(formats[0]),
    'color-supported': boolean(firstBoolean(described, 'color-supported') ?? false),
  };
}

/** printer-up-time of a moment: seconds since the agent started; zero or below for what was before (RFC 8011 section 5.3.14). */
export function upTime(started: number, at: number): number {
  return Math.floor((at - started) / 1000) + 1;
}

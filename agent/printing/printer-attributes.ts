/**
 * What a printer of ours says of itself: media, colour, sides, resolution and state as the destination gives them, never
 * invented; addresses, names, formats and operations as nethood's front has them (RFC 8011 section 5.4).
 */
import type { DeviceId } from '../../protocol/ids.ts';
import { documentFormats, anyFormat } from './document-format.ts';
import {
  attributes,
  boolean,
  dateTime,
  firstString,
  integer,
  keyword,
  mimeMediaType,
  name,
  printerState,
  stringsOf,
  text,
  uri,
  type AttributeTable,
} from './ipp-attributes.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { deviceId } from './printer-device-id.ts';
import { creationOperands, fixedAttributes } from './printer-fixed.ts';
import { iconPath, iconSizes } from './printer-icon.ts';
import { completed } from './printer-minimum.ts';
import { cutToBytes } from './printer-name.ts';
import { supplyAttributes, trayAttributes } from './printer-parts.ts';
import { isTicketAttribute, passedOn } from './printer-passed.ts';
import { printerUuid, type Printer } from './printer.ts';

/** How the asker reaches us: `nh-k3q7x2mf.local:6632`. */
export interface FrontAddress {
  readonly authority: string;
  /** Of the connection that asks. */
  readonly encrypted: boolean;
  /** What stands before the queue's name: `/ipp/print/`. */
  readonly prefix: string;
  /** Below it are the pages of the printers: `http://nh-k3q7x2mf.local:6632/ipp/print/`. */
  readonly page: string;
  /** How the queue can be asked under this authority, and how the asker shows who it is. */
  readonly doors: readonly { readonly encrypted: boolean; readonly authentication: string }[];
}

export interface PrinterFacts {
  readonly device: DeviceId;
  /** Under which DNS-SD announces it. */
  readonly instanceName: string;
  /** Wall-clock milliseconds when the agent started, and now. */
  readonly started: number;
  readonly now: number;
  readonly queuedJobs: number;
}

/** Of several that say the same the later one counts: what is missing, what the destination says, what is ours. */
export function printerAttributes(
  printer: Printer,
  described: AttributeGroup,
  address: FrontAddress,
  facts: PrinterFacts,
): AttributeGroup {
  const formats = acceptedFormats(described);
  const passed = new Map(passedOn(described));
  const template = new Map([
    ...completed(passed, formats),
    ...attributes(fixedAttributes),
    ...attributes(trayAttributes(passed)),
    ...attributes(supplyAttributes(described, printer.queue.supplies ?? [])),
  ]);
  return new Map([
    ...template,
    ...attributes(creationAttributes(template)),
    ...attributes(addressAttributes(printer, address)),
    ...attributes(identityAttributes(printer, described, facts)),
    ...attributes(stateAttributes(printer, facts)),
    ...attributes(formatAttributes(formats)),
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

/** Ours alone, so that no two attributes of an answer can say different things. */
function addressAttributes(printer: Printer, address: FrontAddress): AttributeTable {
  const { doors } = address;
  const uris = doors.map(({ encrypted }) => printerUri(printer, { ...address, encrypted }));
  const page = `${address.page}${encodeURIComponent(printer.id)}`;
  return {
    'printer-uri-supported': uri(...uris),
    'uri-security-supported': keyword(...doors.map(({ encrypted }) => (encrypted ? 'tls' : 'none'))),
    'uri-authentication-supported': keyword(...doors.map(({ authentication }) => authentication)),
    'printer-more-info': uri(page),
    'printer-supply-info-uri': uri(page),
    'printer-icons': uri(...iconSizes.map((size) => `${page}/${iconPath(size)}`)),
  };
}

function identityAttributes({ id, queue }: Printer, described: AttributeGroup, facts: PrinterFacts): AttributeTable {
  const model = queue.makeAndModel === '' ? 'Unknown' : queue.makeAndModel;
  const told = firstString(described, 'printer-device-id');
  return {
    'printer-name': name(id),
    'printer-info': text(cutToBytes(queue.info === '' ? id : queue.info, 127)),
    'printer-location': text(cutToBytes(queue.location, 127)),
    'printer-make-and-model': text(cutToBytes(model, 127)),
    'printer-device-id': text(deviceId(told, model, acceptedFormats(described))),
    'printer-dns-sd-name': name(facts.instanceName),
    'printer-uuid': uri(`urn:uuid:${printerUuid(facts.device, id)}`),
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

function formatAttributes(formats: readonly string[]): AttributeTable {
  return {
    'document-format-supported': mimeMediaType(anyFormat, ...formats),
    'document-format-preferred': formats[0] === undefined ? undefined : mimeMediaType(formats[0]),
    // PWG 5100.14 section 4.1: no raster, no IPP Everywhere.
    'ipp-features-supported': keyword(formats.includes('image/pwg-raster') ? 'ipp-everywhere' : 'none'),
  };
}

function creationAttributes(template: AttributeGroup): AttributeTable {
  const tickets = Array.from(template.keys()).flatMap((attribute) => {
    const base = attribute.replace(/-supported$/, '');
    return base !== attribute && isTicketAttribute(base) ? [base] : [];
  });
  return { 'job-creation-attributes-supported': keyword(...creationOperands, ...tickets.toSorted()) };
}

/** printer-up-time of a moment: seconds since the agent started; zero or below for what was before (RFC 8011 section 5.3.14). */
export function upTime(started: number, at: number): number {
  return Math.floor((at - started) / 1000) + 1;
}

/** A queue as CUPS describes it, and whether it may be shared. */
import { QueueName } from '../../protocol/ids.ts';
import { firstBoolean, firstNumber, firstString, printerStateOf } from '../printing/ipp-attributes.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { Queue } from '../printing/print-backend.ts';
import { reasonsIn, withOffline } from './cups-reasons.ts';
import { suppliesOf, supplyAttributes } from './cups-supplies.ts';

export const queueAttributes = [
  'printer-name',
  'printer-info',
  'printer-location',
  'printer-make-and-model',
  'printer-state',
  'printer-state-reasons',
  'printer-state-message',
  'printer-is-accepting-jobs',
  'printer-is-temporary',
  'printer-type',
  'device-uri',
  ...supplyAttributes,
];

/**
 * @param instances DNS-SD names under which agents announce printers, our own included
 * @returns undefined for a queue whose name is none that can stand in an address
 */
export function queueOf(printer: AttributeGroup, instances: ReadonlySet<string>): Queue | undefined {
  const id = QueueName.safeParse(firstString(printer, 'printer-name'));
  if (!id.success) return undefined;
  const state = printerStateOf(printer) ?? 'stopped';
  const reasons = reasonsIn(printer, 'printer-state-reasons');
  // What is left there of the last job says nothing of the printer now.
  const message = state === 'processing' ? firstString(printer, 'printer-state-message') : undefined;
  return {
    id: id.data,
    info: firstString(printer, 'printer-info') || id.data,
    location: firstString(printer, 'printer-location') ?? '',
    makeAndModel: firstString(printer, 'printer-make-and-model') ?? '',
    state,
    stateReasons: withOffline(reasons, message),
    accepting: firstBoolean(printer, 'printer-is-accepting-jobs') ?? false,
    supplies: suppliesOf(printer),
    unshareable: unshareable(printer, instances),
  };
}

/** cups/cups.h: found by browsing, not set up by a person. */
const discoveredType = 0x0100_0000;

function unshareable(printer: AttributeGroup, instances: ReadonlySet<string>): string | undefined {
  const type = firstNumber(printer, 'printer-type') ?? 0;
  if (firstBoolean(printer, 'printer-is-temporary') === true || (type & discoveredType) !== 0)
    return 'The print system found it on the network by itself; only the PC that it belongs to can share it.';
  return leadsToNethood(firstString(printer, 'device-uri') ?? '', instances)
    ? 'It leads to a printer that nethood shares already; only the PC that it belongs to can share it.'
    : undefined;
}

const uriParts = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<authority>[^/?#]*)(?<path>\/[^?#]*)?/i;
/** The gateway's own user: `ipp://nethood:<secret>@…`. */
const gatewayUser = /^nethood[:@]/;
/** As `hostNameOf` and `nthHostName` make them. */
const agentHost = /(?:^|@)nh-[a-z2-7]{8}(?:-\d{1,2})?\.local\.?(?::\d+)?$/i;
/** Bases are 6630, 6640, 6650 …; loopback, peers and guests follow each other from there. */
const agentPort = /:66[3-9][0-2]$/;
/** Longer than `/ipp/print` of PWG 5100.14, which printers have; printer applications have it too, but on other ports. */
const frontPath = /^\/ipp\/print\/[^/]/;

/**
 * Whether a device URI ends at a front or gateway of an agent: it names an instance that an agent announces, an agent's
 * host name, the gateway's user, or a path of the front on a port that agents choose theirs from.
 */
export function leadsToNethood(deviceUri: string, instances: ReadonlySet<string>): boolean {
  const parts = uriParts.exec(deviceUri)?.groups;
  if (parts === undefined) return false;
  const { scheme = '', authority = '', path = '' } = parts;
  if (/^dnssd$/i.test(scheme)) return instances.has(instanceOf(authority));
  if (!/^(?:ipp|http)s?$/i.test(scheme)) return false;
  return (
    [gatewayUser, agentHost].some((rule) => rule.test(authority)) || (agentPort.test(authority) && frontPath.test(path))
  );
}

/** `Lab%20PDF%20(Anna%20on%20pc1)._ipps._tcp.local` without its service and domain. */
function instanceOf(host: string): string {
  const label = host.replace(/\._ipps?\._tcp\..*$/i, '');
  try {
    return decodeURIComponent(label);
  } catch {
    // No percent-encoding: then it is taken as it stands.
    return label;
  }
}

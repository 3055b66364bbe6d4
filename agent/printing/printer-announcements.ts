/** DNS-SD of the printers shared with everyone: Bonjour Printing Specification 1.2 section 9, PWG 5100.14 section 4.2. */
import type { DeviceId } from '../../protocol/ids.ts';
import type { Announcement } from '../discovery/discovery.ts';
import { firstString } from './ipp-attributes.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { abilities } from './printer-abilities.ts';
import { acceptedFormats } from './printer-attributes.ts';
import { completed } from './printer-minimum.ts';
import { cutToBytes, printerDisplayName, printerInstanceName } from './printer-name.ts';
import { printerUuid, type Printer } from './printer.ts';

export interface AnnouncedPrinter extends Pick<Printer, 'id' | 'queue'> {
  readonly described: AttributeGroup;
}

export interface AnnouncementFacts {
  readonly device: DeviceId;
  readonly deviceName: string;
  /** As it is announced. */
  readonly hostName: string;
  readonly guestsPort: number;
}

/** What `printer-more-info` of guests begins with: the two must be equal, byte for byte. */
export function guestPages({ hostName, guestsPort }: Pick<AnnouncementFacts, 'hostName' | 'guestsPort'>): string {
  return `http://${hostName}:${guestsPort}/ipp/print/`;
}

/** Both services of a printer have the same name, host and port; `_ipps` is the same door behind TLS. */
export function printerAnnouncements(printers: readonly AnnouncedPrinter[], facts: AnnouncementFacts): Announcement[] {
  return printers.flatMap((printer) => {
    const info = printerDisplayName(printer.queue.info, printer.id);
    const common = {
      name: printerInstanceName(info, facts.deviceName),
      subtypes: ['print', 'universal'],
      port: facts.guestsPort,
      txt: txtOf(printer, facts),
    };
    return [
      { ...common, type: 'ipp' },
      { ...common, type: 'ipps' },
    ];
  });
}

function txtOf({ id, queue, described }: AnnouncedPrinter, facts: AnnouncementFacts): Record<string, string> {
  const model = queue.makeAndModel || firstString(described, 'printer-make-and-model') || 'Printer';
  const formats = acceptedFormats(described);
  const path = `ipp/print/${encodeURIComponent(id)}`;
  return fitting({
    txtvers: '1',
    qtotal: '1',
    rp: path,
    ty: model,
    adminurl: `${guestPages(facts)}${encodeURIComponent(id)}`,
    note: queue.location,
    priority: '50',
    product: `(${model})`,
    pdl: formats.join(','),
    UUID: printerUuid(facts.device, id),
    TLS: '1.2',
    air: 'none',
    // What is answered over IPP, and nothing else: TXT and IPP that disagree make printers that print nothing.
    ...abilities(completed(described, formats)),
  });
}

/** `key=value` has at most 255 bytes (RFC 6763 section 6.1). Empty ones say nothing, but `note` is looked for. */
function fitting(txt: Record<string, string>): Record<string, string> {
  const entries = Object.entries(txt).filter(([key, value]) => value !== '' || key === 'note');
  return Object.fromEntries(entries.map(([key, value]) => [key, cutToBytes(value, 254 - Buffer.byteLength(key))]));
}

/** A printer of Windows as a queue: what it is called in an address, how it is, and whether it may be shared. */
import { createHash } from 'node:crypto';
import { QueueName } from '../../protocol/ids.ts';
import type { Queue } from '../printing/print-backend.ts';
import { leadsToNethood } from './cups-queue.ts';
import { oneLine } from './one-line.ts';
import type { WindowsPrinter } from './windows-protocol.ts';
import { accepts, printerStateFrom } from './windows-status.ts';

/** What stands in no address is written `-`; the rest of a name stays, in its own script. */
const unaddressable = /[\s/#?%"'<>\\\p{Cc}-]+/gu;
const longest = 100;

/**
 * Names for the queues. A name that is one already stays; where two would be called the same, both get a piece of their
 * own name's hash, so that a job never goes to another printer because a second one was set up.
 */
export function queueNames(names: readonly string[]): Map<QueueName, string> {
  const uses = new Map<string, number>();
  for (const name of names) uses.set(plain(name), (uses.get(plain(name)) ?? 0) + 1);
  return new Map(
    names.map((name): [QueueName, string] => {
      const short = plain(name);
      const isAlone = short === name || uses.get(short) === 1;
      return [QueueName.parse(isAlone ? short : `${short}-${hashOf(name)}`), name];
    }),
  );
}

/** `HP LaserJet (Kopie 1)` -> `HP-LaserJet-(Kopie-1)` */
function plain(name: string): string {
  if (QueueName.safeParse(name).success) return name;
  const short = oneLine(name.replaceAll(unaddressable, '-'), longest);
  return short.replaceAll(/^-+|-+$/g, '') || 'printer';
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 6);
}

/** @param instances DNS-SD names under which agents announce printers, our own included */
export function windowsQueue(id: QueueName, printer: WindowsPrinter, instances: ReadonlySet<string>): Queue {
  return {
    id,
    info: oneLine(printer.Name, 127) || id,
    location: oneLine(printer.Location, 127),
    makeAndModel: oneLine(printer.DriverName, 127),
    ...printerStateFrom(printer),
    accepting: accepts(printer),
    unshareable: unprintable(printer) ?? unshareable(printer, instances),
  };
}

/** Ports of programs: there somebody is asked at the screen, or a file is written over, or nothing happens. */
const portsOfPrograms = /^(?:PORTPROMPT|SHRFAX|XPSPort|FILE|NUL|nul|.*\.pdf)$/i;
const conversions =
  /^(?:OneNote|Send To OneNote|Microsoft (?:Print To PDF|XPS Document Writer)|Microsoft Shared Fax Driver)/i;

/** Why nothing can be printed there without a person at the screen; undefined where something can. */
export function unprintable({ DeviceType, DriverName, PortName }: WindowsPrinter): string | undefined {
  if (DeviceType !== 0) return 'It prints no pages.';
  return portsOfPrograms.test(PortName.replace(/:$/, '')) || conversions.test(DriverName)
    ? 'It makes a file, and asks at the screen of its own PC where to.'
    : undefined;
}

const ofOtherPc = 'It leads to a printer that is shared already; only the PC that it belongs to can share it.';

/** What the queues that we make ourselves are marked with: Windows does not document where it keeps their address. */
export const commentOfInstalled = 'nethood';

function unshareable(printer: WindowsPrinter, instances: ReadonlySet<string>): string | undefined {
  const { Type, Name, PortName, Comment } = printer;
  if (Type !== 0 || Name.startsWith('\\\\') || Comment === commentOfInstalled) return ofOtherPc;
  return leadsToNethood(PortName, instances) || instances.has(Name) ? ofOtherPc : undefined;
}

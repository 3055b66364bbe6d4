import type { Snapshot } from '../../protocol/control.ts';
import { shortId } from '../../protocol/ids.ts';
import type { Command } from '../command.ts';
import { countText } from '../format/quantity.ts';
import type { Output } from '../output.ts';
import { showPart } from '../watch.ts';

export const status: Command = {
  words: [0, 0],
  watch: true,
  run: (context) => showPart(context, pick, (part) => show(part, context.out)),
};

function pick({ device, version, paused, ports, page, shares, printers, neighbours, notices }: Snapshot) {
  return { device, version, paused, ports, page, shares, printers, neighbours, notices };
}

function show(part: ReturnType<typeof pick>, out: Output): void {
  const { device, version, ports, shares, notices } = part;
  out.say(`${device.name} (${shortId(device.id)}), nethood ${version}`);
  out.say(`  folders     ${shares.length === 0 ? 'none shared' : shares.map(({ name }) => name).join(', ')}`);
  out.say(`  printers    ${printersText(part)}`);
  out.say(`  neighbours  ${neighboursText(part)}`);
  const guests = ports.guests === null ? 'no guests' : `guests ${ports.guests}`;
  out.say(`  ports       agents ${ports.peers}, ${guests}, this PC ${ports.loopback}`);
  if (part.paused) out.say('  Sharing is paused; `nethood resume` ends that.');
  for (const { message } of notices) out.say(`  ! ${message}`);
}

function printersText({ printers }: Pick<Snapshot, 'printers'>): string {
  const shared = printers.filter((printer) => printer.local && printer.shared);
  return shared.length === 0 ? 'none shared' : shared.map(({ name }) => name).join(', ');
}

function neighboursText({ neighbours }: Pick<Snapshot, 'neighbours'>): string {
  const ready = neighbours.filter(({ state }) => state === 'ready').length;
  const others = neighbours.length - ready;
  if (neighbours.length === 0) return 'nobody is there yet';
  return `${countText(ready, 'is', 'are')} ready${others === 0 ? '' : `, ${countText(others, 'is', 'are')} not`}`;
}

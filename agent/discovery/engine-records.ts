/** What we say on one link: our host, this card's addresses alone, our services under the names that they have. Pure. */
import type { DnsName } from './dns-types.ts';
import type { NamedService } from './engine-names.ts';
import { cutToBytes } from './instance-names.ts';
import type { LinkPlace } from './link-socket.ts';
import type { OwnRecords, OwnService } from './responder-types.ts';

const stringBytes = 255;

/** RFC 6762 section 20: either family tells the addresses of both. */
export function ownRecords(host: DnsName, services: readonly NamedService[], { card }: LinkPlace): OwnRecords {
  return { host, addresses: card.addresses.map(({ address }) => address), services: services.map(ownService) };
}

function ownService({ wanted, instance }: NamedService): OwnService {
  const subtypes = wanted.subtypes.map((subtype) => subtype.replace(/^_/, ''));
  const txt = Object.entries(wanted.txt).map(([key, value]) => txtString(key, value));
  return { instance, subtypes, port: wanted.port, txt };
}

/** A string of a TXT record has at most 255 bytes (RFC 6763 6.1): what is too long is cut between characters. */
function txtString(key: string, value: string): Uint8Array {
  const start = `${key}=`;
  return Buffer.from(start + cutToBytes(value, stringBytes - Buffer.byteLength(start)));
}

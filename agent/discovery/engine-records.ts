/** What we say on one link: our host, this card's addresses alone, our services under the names that they have. Pure. */
import { sameName } from './dns-name.ts';
import { type DnsMessage, type DnsName, type DnsRecord, recordTypes } from './dns-types.ts';
import type { NamedService } from './engine-names.ts';
import { cutToBytes } from './instance-names.ts';
import type { LinkPlace } from './link-socket.ts';
import type { OwnRecords, OwnService } from './responder-types.ts';

const stringBytes = 255;
/** Seconds (RFC 6762 section 10). */
const ptrTtl = 4_500;

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

/**
 * Who asks for our type need not be told of us (RFC 6762 7.1): ourselves least of all, and nobody else answers for us.
 * Without it others would see us asking for us, and take the silence for our end (10.5).
 */
export function withOwnAnswers(message: DnsMessage, type: DnsName, instances: readonly DnsName[]): DnsMessage {
  if (message.response || message.authorities.length > 0) return message;
  if (!message.questions.some((question) => question.type === recordTypes.PTR && sameName(question.name, type)))
    return message;
  const own = instances.map((target): DnsRecord => ({
    name: type,
    ttl: ptrTtl,
    flush: false,
    data: { type: 'PTR', target },
  }));
  return { ...message, answers: [...own, ...message.answers] };
}

/** Writes questions and records. Names are compressed wherever multicast DNS allows it, targets of SRV included (RFC 6762 18.14). */
import { NethoodError } from '../../protocol/errors.ts';
import { addressBytes } from './dns-address.ts';
import { srvNumbers, txtBytes, typeBits, typeCode } from './dns-data.ts';
import type { DnsQuestion, DnsRecord, RecordData } from './dns-types.ts';
import type { DnsWriter } from './dns-writer.ts';

const classIn = 1;
/** In a question: unicast will do; in a record: cache-flush. */
const topBit = 0x8000;

export function writeQuestion(writer: DnsWriter, { name, type, unicast }: DnsQuestion): void {
  writer.name(name);
  writer.uint16(type);
  writer.uint16(classIn | (unicast ? topBit : 0));
}

export function writeRecord(writer: DnsWriter, { name, ttl, flush, data }: DnsRecord): void {
  writer.name(name);
  writer.uint16(typeCode(data));
  writer.uint16(classIn | (flush ? topBit : 0));
  writer.uint32(ttl);
  writer.sized(() => writeData(writer, data));
}

function writeData(writer: DnsWriter, data: RecordData): void {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return writeAddress(writer, data);
    case 'PTR':
      return writer.name(data.target);
    case 'SRV':
      writer.bytes(srvNumbers(data));
      return writer.name(data.target);
    case 'TXT':
      return writer.bytes(txtBytes(data.strings));
    case 'NSEC':
      writer.name(data.next);
      return writer.bytes(typeBits(data.types));
    case 'other':
      return writer.bytes(data.bytes);
  }
}

function writeAddress(writer: DnsWriter, data: Extract<RecordData, { type: 'A' | 'AAAA' }>): void {
  const bytes = addressBytes(data.address, data.type);
  if (bytes === undefined)
    throw new NethoodError('internal', `${data.address} cannot be told in an ${data.type} record.`);
  writer.bytes(bytes);
}

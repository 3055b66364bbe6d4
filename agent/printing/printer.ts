/** A print queue, of this PC or of a neighbour, as the front and the printer list see it, whatever backend is behind it. */
import { createHash } from 'node:crypto';
import type { DeviceId, QueueName } from '../../protocol/ids.ts';
import type { AttributeGroup } from './ipp-values.ts';
import type { Destination } from './job.ts';
import type { PrintBackend, Queue } from './print-backend.ts';

export interface Printer {
  /** The last component of `/ipp/print/<id>`. */
  readonly id: QueueName;
  /** Where the spool sends what is printed on it. */
  readonly destination: Destination;
  /** For people, as jobs name it: `laser`, `Anna on pc1/laser`. */
  readonly label: string;
  /** As it was when the backend was last asked; its name there is `queue.id`. */
  readonly queue: Queue;
  readonly backend: PrintBackend;
  /** Wall-clock milliseconds. */
  readonly stateChanged: number;
  readonly configChanged: number;
  /** Attributes as the destination gives them; some seconds old at most. @throws NethoodError `unavailable` */
  describe(): Promise<AttributeGroup>;
}

/** Name space of `printer-uuid`, made once for nethood. */
const nameSpace = Buffer.from('5d1b7a0c6f0e4a4f9c43d2f1b8e07a65', 'hex');

/** The same queue of the same device is the same printer for ever, under whatever address: a UUID of version 5 (RFC 4122 section 4.3). */
export function printerUuid(device: DeviceId, queue: QueueName): string {
  const bytes = createHash('sha1').update(nameSpace).update(`${device}/${queue}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

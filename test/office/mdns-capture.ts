/** Captures multicast DNS in a host of an office with tcpdump, and reads the packets with our own decoder. */
import { readFile } from 'node:fs/promises';
import { decodeMessage } from '../../agent/discovery/dns-decode.ts';
import { addressText } from '../../agent/discovery/dns-address.ts';
import type { DnsMessage } from '../../agent/discovery/dns-types.ts';
import type { Office } from './office.ts';

export interface Captured {
  /** Wall-clock milliseconds. */
  readonly at: number;
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
  readonly hops: number;
  readonly bytes: Uint8Array;
  readonly message: DnsMessage;
}

export class MdnsCapture implements AsyncDisposable {
  readonly #office: Office;
  readonly #file: string;
  readonly #end: () => Promise<void>;

  private constructor(office: Office, file: string, end: () => Promise<void>) {
    this.#office = office;
    this.#file = file;
    this.#end = end;
  }

  static async start(office: Office, k: number, file: string, card = 'eth0'): Promise<MdnsCapture> {
    const args = ['-i', card, '-U', '--immediate-mode', '-w', file, 'udp port 5353'];
    const process = await office.spawn(k, 'tcpdump', ['-Z', 'root', ...args]);
    await process.waitFor(/listening on/);
    const end = async (): Promise<void> => {
      process.kill('SIGTERM');
      await process.exited;
    };
    return new MdnsCapture(office, file, end);
  }

  async packets(): Promise<Captured[]> {
    return readPcap(await readFile(this.#file));
  }

  get office(): Office {
    return this.#office;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }
}

/** The classic format of libpcap with Ethernet frames; what is not whole yet at its end is left out. */
function readPcap(file: Buffer): Captured[] {
  const packets: Captured[] = [];
  for (let at = 24; at + 16 <= file.length;) {
    const length = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + 16, at + 16 + length);
    if (frame.length < length) break;
    const packet = readFrame(frame, file.readUInt32LE(at) * 1_000 + file.readUInt32LE(at + 4) / 1_000);
    if (packet !== undefined) packets.push(packet);
    at += 16 + length;
  }
  return packets;
}

function readFrame(frame: Buffer, at: number): Captured | undefined {
  if (frame.length < 42) return undefined;
  const etherType = frame.readUInt16BE(12);
  const ip = frame.subarray(14);
  if (etherType === 0x0800) {
    const [from, to] = [ip.subarray(12, 16), ip.subarray(16, 20)];
    return readUdp(ip.subarray((ip.readUInt8(0) & 15) * 4), { at, from, to, hops: ip.readUInt8(8) });
  }
  // Without extension headers, as they are sent here.
  if (etherType !== 0x86dd || ip.length < 48 || ip.readUInt8(6) !== 17) return undefined;
  const [from, to] = [ip.subarray(8, 24), ip.subarray(24, 40)];
  return readUdp(ip.subarray(40), { at, from, to, hops: ip.readUInt8(7) });
}

interface Header {
  readonly at: number;
  readonly from: Buffer;
  readonly to: Buffer;
  readonly hops: number;
}

function readUdp(udp: Buffer, { at, from, to, hops }: Header): Captured {
  const bytes = udp.subarray(8, udp.readUInt16BE(4));
  return {
    at,
    from: addressText(from),
    fromPort: udp.readUInt16BE(0),
    to: addressText(to),
    toPort: udp.readUInt16BE(2),
    hops,
    bytes,
    message: decodeMessage(bytes),
  };
}

/** Somebody on the LAN who sends what a test wants, good or bad, and keeps what comes to it alone. */
import { join } from 'node:path';
import { decodeMessage } from '../../agent/discovery/dns-decode.ts';
import { encodeMessage } from '../../agent/discovery/dns-encode.ts';
import type { DnsMessage } from '../../agent/discovery/dns-types.ts';
import type { Office, OfficeProcess } from './office.ts';

const script = join(import.meta.dirname, 'mdns-stranger.py');

interface SendOptions {
  readonly times?: number;
  readonly everyMs?: number;
  /** Nothing: to the group. */
  readonly to?: readonly [address: string, port: number];
}

interface Told {
  readonly from?: string;
  readonly packet?: string;
}

export class MdnsStranger implements AsyncDisposable {
  readonly address: string;
  readonly #process: OfficeProcess;
  #orders = 0;

  private constructor(address: string, process: OfficeProcess) {
    this.address = address;
    this.#process = process;
  }

  /** In host k, by IPv4, from port 5353 unless another is given. */
  static async start(office: Office, k: number, port = 5353): Promise<MdnsStranger> {
    const address = office.address(k);
    const process = await office.spawn(k, 'python3', [script, address, String(port)], { keepStdin: true });
    await process.waitFor(/listening/);
    return new MdnsStranger(address, process);
  }

  /** One after the other, in the order of the calls. Answers when it is done: the wall clock's milliseconds. */
  async send(what: DnsMessage | Uint8Array, options: SendOptions = {}): Promise<number> {
    const bytes = what instanceof Uint8Array ? what : encodeMessage(what);
    const order = this.#orders++;
    this.#process.write(`${JSON.stringify({ packet: Buffer.from(bytes).toString('hex'), ...options })}\n`);
    const wait = 10_000 + (options.times ?? 1) * (options.everyMs ?? 1);
    const [, at] = await this.#process.waitFor(new RegExp(`"sent": ${order}, "at": (\\d+)\\}`), wait);
    return Number(at);
  }

  /** What was sent to its address, not to the group. */
  received(): { readonly from: string; readonly message: DnsMessage }[] {
    return this.#told().flatMap(({ from, packet }) =>
      from === undefined || packet === undefined ? [] : [{ from, message: decodeMessage(Buffer.from(packet, 'hex')) }],
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }

  #told(): Told[] {
    const lines = this.#process.stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Told);
  }
}

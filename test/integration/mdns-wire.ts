/** A LAN of two: ours in host 1, and in host 2 a stranger who hears every packet and sends what a test wants. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../../agent/base/scope.ts';
import { type DnsName, type DnsQuestion, type DnsRecord, recordTypes } from '../../agent/discovery/dns-types.ts';
import { agentType } from '../discovery/engine-support.ts';
import { type Captured, MdnsCapture } from '../office/mdns-capture.ts';
import { MdnsStranger } from '../office/mdns-stranger.ts';
import { type Office, type OfficeOptions, startOffice } from '../office/office.ts';

export class Wire implements AsyncDisposable {
  readonly office: Office;
  readonly stranger: MdnsStranger;
  readonly #captures: ReadonlyMap<string, MdnsCapture>;
  readonly #scope: Scope;

  private constructor(parts: {
    office: Office;
    stranger: MdnsStranger;
    captures: ReadonlyMap<string, MdnsCapture>;
    scope: Scope;
  }) {
    this.office = parts.office;
    this.stranger = parts.stranger;
    this.#captures = parts.captures;
    this.#scope = parts.scope;
  }

  static async open(cards: readonly string[] = ['eth0'], options: OfficeOptions = {}): Promise<Wire> {
    const scope = new Scope();
    try {
      const folder = await mkdtemp(join(tmpdir(), 'mdns-'));
      scope.defer(() => rm(folder, { recursive: true }));
      const office = scope.use(await startOffice(2, options));
      const captures = new Map<string, MdnsCapture>();
      for (const card of cards)
        captures.set(card, scope.use(await MdnsCapture.start(office, 2, join(folder, `${card}.pcap`), card)));
      const stranger = scope.use(await MdnsStranger.start(office, 2));
      return new Wire({ office, stranger, captures, scope });
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** On one card of host 2, of whomever, from a moment on. */
  async packets(card = 'eth0', since = 0): Promise<Captured[]> {
    const all = (await this.#captures.get(card)?.packets()) ?? [];
    return all.filter(({ at }) => at >= since);
  }

  /** Ours by IPv4: the same goes by IPv6 too. */
  async ofOurs(since = 0): Promise<Captured[]> {
    const own = this.office.address(1);
    return (await this.packets('eth0', since)).filter(({ from }) => from === own);
  }

  async ofStranger(since = 0): Promise<Captured[]> {
    return (await this.packets('eth0', since)).filter(({ from }) => from === this.stranger.address);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

export function instanceOf(label: string): DnsName {
  return [label, ...agentType];
}

export function isOf(label: string): (name: DnsName) => boolean {
  return (name) => name[0] === label && name[1] === agentType[0];
}

export function question(name: DnsName, type: keyof typeof recordTypes, unicast = false): DnsQuestion {
  return { name, type: recordTypes[type], unicast };
}

/** Asks whether a name is free, with what it would tell (RFC 6762 8.1). */
export function probesFor(label: string): (packet: Captured) => boolean {
  return ({ message }) =>
    message.questions.some(({ name, type }) => type === recordTypes.ANY && isOf(label)(name)) &&
    message.authorities.length > 0;
}

/** Tells that there is an instance. */
export function announces(label: string): (packet: Captured) => boolean {
  return ({ message }) =>
    message.response &&
    message.answers.some(({ data, ttl }) => data.type === 'PTR' && ttl > 0 && isOf(label)(data.target));
}

/** Records that are taken back: by their name, or by what they point to. */
export function takenBack(packets: readonly Captured[], label: string): DnsRecord[] {
  return packets
    .flatMap(({ message }) => message.answers)
    .filter(({ name, ttl, data }) => ttl === 0 && isOf(label)(data.type === 'PTR' ? data.target : name));
}

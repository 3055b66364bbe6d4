/**
 * A LAN of packets in memory with responders on it: what they send is encoded, split and decoded as on a real one, and
 * noted with its time. Time and chance are turned by hand.
 */
import { decodeMessage } from '../../agent/discovery/dns-decode.ts';
import { encodeMessage, splitMessage } from '../../agent/discovery/dns-encode.ts';
import { sameName } from '../../agent/discovery/dns-name.ts';
import type { DnsMessage, DnsName, DnsQuestion, DnsRecord, SendEffect } from '../../agent/discovery/dns-types.ts';
import { recordTypes } from '../../agent/discovery/dns-types.ts';
import { Responder } from '../../agent/discovery/responder.ts';
import type { OwnRecords, OwnService, ResponderDeps, ResponderEffect } from '../../agent/discovery/responder-types.ts';
import { seeded } from './clock.ts';

export interface Packet {
  readonly at: number;
  readonly from: string;
  readonly port: number;
  /** Nothing: to the group. */
  readonly to: { readonly address: string; readonly port: number } | undefined;
  readonly message: DnsMessage;
  readonly bytes: number;
}

interface HostOptions {
  readonly address?: string;
  readonly deps?: Partial<ResponderDeps>;
}

export class ResponderLan {
  now = 0;
  readonly random: () => number;
  readonly packets: Packet[] = [];
  readonly hosts: ResponderHost[] = [];
  /** Whether each host hears its own packets too, as the group sends them back. */
  echo = false;
  /** Whether a packet gets from one address to another. */
  passes: (from: string, to: string) => boolean = () => true;
  /** Somebody who hears everything, at once. */
  listener: (packet: Packet) => void = () => {};
  #flights: { at: number; packet: Packet }[] = [];

  constructor(seed = 1) {
    this.random = seeded(seed);
  }

  host(options: HostOptions = {}): ResponderHost {
    const host = new ResponderHost(this, options.address ?? `10.0.0.${this.hosts.length + 1}`, options.deps ?? {});
    this.hosts.push(host);
    return host;
  }

  /** A packet of somebody who is no responder of ours. */
  inject(message: DnsMessage, { from = '10.0.0.99', port = 5353 } = {}): void {
    this.transmit(from, { type: 'send', message }, port);
  }

  transmit(from: string, { message, to }: SendEffect, port = 5353): void {
    for (const part of splitMessage(message, 1_440)) {
      const raw = encodeMessage(part);
      const packet = { at: this.now, from, port, to, message: decodeMessage(raw), bytes: raw.length };
      this.packets.push(packet);
      this.#flights.push({ at: this.now + 0.1 + this.random(), packet });
      this.listener(packet);
    }
  }

  /** Does what is due within so many milliseconds, in the order of time. */
  run(ms: number): void {
    const end = this.now + ms;
    for (let next = this.#next(); next <= end; next = this.#next()) {
      this.now = Math.max(this.now, next);
      const arrived = this.#flights.filter(({ at }) => at <= this.now);
      this.#flights = this.#flights.filter(({ at }) => at > this.now);
      for (const { packet } of arrived) this.#deliver(packet);
      for (const host of this.hosts) host.tick();
    }
    this.now = end;
  }

  /** Sent by this host from a moment on. */
  sentBy(host: ResponderHost, since = 0): Packet[] {
    return this.packets.filter(({ from, at }) => from === host.address && at >= since);
  }

  #deliver(packet: Packet): void {
    for (const host of this.hosts) if (this.passes(packet.from, host.address)) host.deliver(packet);
  }

  #next(): number {
    return Math.min(...this.hosts.map((host) => host.nextAt()), ...this.#flights.map(({ at }) => at));
  }
}

export class ResponderHost {
  readonly address: string;
  readonly responder: Responder;
  readonly established: { readonly name: DnsName; readonly at: number }[] = [];
  readonly conflicts: { readonly name: DnsName; readonly at: number }[] = [];
  /** What the shell does with a lost name. */
  onConflict: (name: DnsName) => void = () => {};
  readonly #lan: ResponderLan;

  constructor(lan: ResponderLan, address: string, deps: Partial<ResponderDeps>) {
    this.#lan = lan;
    this.address = address;
    this.responder = new Responder({
      random: lan.random,
      isOwn: (other) => other === address,
      onLink: (other) => other.startsWith('10.0.0.'),
      ...deps,
    });
  }

  set(want: OwnRecords): void {
    this.#run(this.responder.set(want, this.#lan.now));
  }

  stop(): void {
    this.#run(this.responder.stop(this.#lan.now));
  }

  wake(): void {
    this.#run(this.responder.wake(this.#lan.now));
  }

  nextAt(): number {
    return this.responder.nextAt();
  }

  tick(): void {
    if (this.responder.nextAt() <= this.#lan.now) this.#run(this.responder.tick(this.#lan.now));
  }

  deliver({ message, from, port, to }: Packet): void {
    if (from === this.address && port === 5353 && !this.#lan.echo) return;
    if (to !== undefined && to.address !== this.address) return;
    this.#run(this.responder.receive({ message, from, port, now: this.#lan.now }));
  }

  #run(effects: readonly ResponderEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') this.#lan.transmit(this.address, effect);
      else if (effect.type === 'established') this.established.push({ name: effect.name, at: this.#lan.now });
      else {
        this.conflicts.push({ name: effect.name, at: this.#lan.now });
        this.onConflict(effect.name);
      }
    }
  }
}

const emptyMessage: DnsMessage = {
  id: 0,
  response: false,
  truncated: false,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
};

export function query(questions: readonly DnsQuestion[], more: Partial<DnsMessage> = {}): DnsMessage {
  return { ...emptyMessage, questions, ...more };
}

export function answer(answers: readonly DnsRecord[], more: Partial<DnsMessage> = {}): DnsMessage {
  return { ...emptyMessage, response: true, answers, ...more };
}

/** `ask('PTR', '_ipp', '_tcp', 'local')` */
export function ask(type: keyof typeof recordTypes, ...name: string[]): DnsQuestion {
  return { name, type: recordTypes[type], unicast: false };
}

export function askUnicast(type: keyof typeof recordTypes, ...name: string[]): DnsQuestion {
  return { ...ask(type, ...name), unicast: true };
}

export function service(label: string, type = '_nethood', more: Partial<OwnService> = {}): OwnService {
  return { instance: [label, type, '_tcp', 'local'], subtypes: [], port: 6631, txt: [bytes('v=1')], ...more };
}

export function own(services: readonly OwnService[], more: Partial<OwnRecords> = {}): OwnRecords {
  return { host: ['nh-anna', 'local'], addresses: ['10.0.0.1'], services, ...more };
}

/** As it would be read aloud: `PTR _ipp._tcp.local`. */
export function said({ name, data }: DnsRecord): string {
  return `${data.type} ${name.join('.')}`;
}

export function isProbe({ message }: Packet): boolean {
  return !message.response && message.authorities.length > 0;
}

export function isResponse({ message }: Packet): boolean {
  return message.response;
}

export function goodbyes(packets: readonly Packet[]): DnsRecord[] {
  return packets.flatMap(({ message }) => message.answers).filter(({ ttl }) => ttl === 0);
}

/** Packets that carry such a record, as an answer or beside one. */
export function carrying(packets: readonly Packet[], type: string, ...name: string[]): Packet[] {
  return packets.filter(({ message }) =>
    [...message.answers, ...message.additionals].some(
      (record) => record.data.type === type && sameName(record.name, name),
    ),
  );
}

export function txt(name: string[], text: string, ttl = 4_500): DnsRecord {
  return { name, ttl, flush: true, data: { type: 'TXT', strings: [bytes(text)] } };
}

export function srv(name: string[], target: string, port = 6631): DnsRecord {
  return {
    name,
    ttl: 120,
    flush: true,
    data: { type: 'SRV', priority: 0, weight: 0, port, target: [target, 'local'] },
  };
}

export function ptr(name: string[], target: string[], ttl = 4_500): DnsRecord {
  return { name, ttl, flush: false, data: { type: 'PTR', target } };
}

export function addressRecord(name: string[], address: string): DnsRecord {
  return { name, ttl: 120, flush: true, data: { type: address.includes(':') ? 'AAAA' : 'A', address } };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Established and silent again; what follows is asked for. */
export function established(
  seed = 1,
  want = own([service('Anna')]),
): { lan: ResponderLan; host: ResponderHost; since: number } {
  const lan = new ResponderLan(seed);
  const host = lan.host();
  host.set(want);
  lan.run(10_000);
  return { lan, host, since: lan.now };
}

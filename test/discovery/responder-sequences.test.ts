import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameKey } from '../../agent/discovery/dns-name.ts';
import type { DnsMessage, DnsName, DnsQuestion, DnsRecord, recordTypes } from '../../agent/discovery/dns-types.ts';
import { recordKey } from '../../agent/discovery/responder-compare.ts';
import type { OwnRecords } from '../../agent/discovery/responder-types.ts';
import {
  addressRecord,
  answer,
  ask,
  askUnicast,
  bytes,
  isProbe,
  own,
  type Packet,
  ptr,
  query,
  type ResponderHost,
  ResponderLan,
  service,
  srv,
  txt,
} from '../sim/responder-lan.ts';

/** What may happen to two responders on one LAN, in any order. */
type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'set'; readonly who: 0 | 1; readonly labels: readonly string[]; readonly variant: number }
  | { readonly kind: 'wake' | 'stop'; readonly who: 0 | 1 }
  | { readonly kind: 'ask'; readonly questions: readonly DnsQuestion[]; readonly how: How }
  | { readonly kind: 'probe' | 'claim' | 'take back'; readonly record: DnsRecord; readonly from: string };

interface How {
  readonly from: string;
  readonly port: number;
  readonly truncated: boolean;
  readonly known: readonly DnsRecord[];
}

const labels = ['Anna', 'Bert', 'Dr. C'] as const;
const types = ['_nethood', '_ipp'] as const;
const services = ['_services', '_dns-sd', '_udp', 'local'];

const onLink = fc.constantFrom('10.0.0.98', '10.0.0.99');
const anywhere = fc.oneof({ weight: 4, arbitrary: onLink }, fc.constantFrom('192.0.2.1', '8.8.8.8'));
const who = fc.constantFrom(0, 1);
const instance = fc.record({ label: fc.constantFrom(...labels), type: fc.constantFrom(...types) });
const anyName = fc.oneof(
  instance.map(({ label, type }) => [label, type, '_tcp', 'local']),
  fc.constantFrom(...types).map((type) => [type, '_tcp', 'local']),
  fc.constantFrom(services, ['nh-0', 'local'], ['nh-1', 'local'], ['_print', '_sub', '_ipp', '_tcp', 'local']),
);
const question = fc
  .record({
    type: fc.constantFrom<keyof typeof recordTypes>('A', 'AAAA', 'PTR', 'SRV', 'TXT', 'ANY'),
    name: anyName,
    unicast: fc.boolean(),
  })
  .map(({ type, name, unicast }): DnsQuestion => (unicast ? askUnicast(type, ...name) : ask(type, ...name)));
const foreign = fc.oneof(
  instance.map(({ label, type }) => srv([label, type, '_tcp', 'local'], 'other', 9)),
  instance.map(({ label, type }) => txt([label, type, '_tcp', 'local'], 'theirs')),
  instance.map(({ label, type }) => ptr([type, '_tcp', 'local'], [label, type, '_tcp', 'local'], 10)),
  fc.constantFrom('nh-0', 'nh-1').map((host) => addressRecord([host, 'local'], '10.0.0.77')),
  fc.constant(ptr(services, ['_ipp', '_tcp', 'local'])),
);
const known = instance.map(({ label, type }) => ptr([type, '_tcp', 'local'], [label, type, '_tcp', 'local']));

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(1, 15, 60, 240, 700, 1_500, 31_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('set'),
      who,
      labels: fc.uniqueArray(fc.constantFrom(...labels), { maxLength: 3 }),
      variant: fc.nat({ max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('wake', 'stop'), who }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('ask'),
      questions: fc.array(question, { minLength: 1, maxLength: 3 }),
      how: fc.record({
        from: anywhere,
        port: fc.constantFrom(5_353, 5_353, 5_353, 40_000),
        truncated: fc.boolean(),
        known: fc.array(known, { maxLength: 2 }),
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('probe', 'claim', 'take back'), record: foreign, from: anywhere }),
  },
);

function wanted(at: 0 | 1, set: readonly string[], variant: number): OwnRecords {
  const list = set.flatMap((label) =>
    types.slice(0, 1 + (variant % 2)).map((type) =>
      service(label, type, {
        port: 6_000 + at,
        subtypes: type === '_ipp' ? ['print'] : [],
        txt: [bytes(`v=${variant}`)],
      }),
    ),
  );
  const addresses = [`10.0.0.${at + 1}`, ...(variant > 1 ? ['fe80::1', '10.0.0.200'] : [])];
  return own(list, { host: [`nh-${at}`, 'local'], addresses });
}

/** Like the shell: another name for a lost one. */
class Device {
  readonly host: ResponderHost;
  readonly #at: 0 | 1;
  #set: readonly string[] = [];
  #variant = 0;
  #hostName: string;
  /** What it last told its responder. */
  wanted: OwnRecords | undefined;

  constructor(lan: ResponderLan, at: 0 | 1) {
    this.host = lan.host();
    this.#at = at;
    this.#hostName = `nh-${at}`;
    this.host.onConflict = ([label = '', ...rest]) => {
      if (rest.length === 1) this.#hostName = `${label}x`;
      else this.#set = this.#set.map((one) => (one === label ? `${one}+` : one));
      this.#publish();
    };
  }

  publish(set: readonly string[], variant: number): void {
    this.#set = set;
    this.#variant = variant;
    this.#publish();
  }

  stop(): void {
    this.wanted = undefined;
    this.host.stop();
  }

  #publish(): void {
    this.wanted = { ...wanted(this.#at, this.#set, this.#variant), host: [this.#hostName, 'local'] };
    this.host.set(this.wanted);
  }
}

function run(
  seed: number,
  steps: readonly Step[],
): { readonly lan: ResponderLan; readonly devices: readonly Device[] } {
  const lan = new ResponderLan(seed);
  const devices = [new Device(lan, 0), new Device(lan, 1)] as const;
  for (const one of steps) {
    switch (one.kind) {
      case 'wait':
        lan.run(one.ms);
        break;
      case 'set':
        devices[one.who].publish(one.labels, one.variant);
        break;
      case 'wake':
        devices[one.who].host.wake();
        break;
      case 'stop':
        devices[one.who].stop();
        break;
      case 'ask':
        lan.inject(query(one.questions, { truncated: one.how.truncated, answers: one.how.known }), one.how);
        break;
      case 'probe':
        lan.inject(probing(one.record), { from: one.from });
        break;
      case 'claim':
        lan.inject(answer([one.record]), { from: one.from });
        break;
      case 'take back':
        lan.inject(answer([{ ...one.record, ttl: 0 }]), { from: one.from });
        break;
    }
  }
  lan.run(30_000);
  return { lan, devices };
}

function probing(record: DnsRecord): DnsMessage {
  return query([{ ...ask('ANY', ...record.name), unicast: true }], { authorities: [{ ...record, flush: false }] });
}

const steps = fc.array(step, { maxLength: 60 });
const runs = { numRuns: 120, seed: 20_261_121 };

test('no record is multicast twice within a second, but in defence against a probe after a quarter of one', () => {
  fc.assert(
    fc.property(fc.nat(), steps, (seed, list) => {
      const { lan } = run(seed, list);
      for (const host of lan.hosts) expect(tooSoon(lan, host)).toEqual([]);
    }),
    runs,
  );
});

/** Records that went out too soon after the last time. A goodbye ends the count: what comes back after it is news. */
function tooSoon(lan: ResponderLan, host: ResponderHost): string[] {
  const last = new Map<string, number>();
  const faults: string[] = [];
  for (const { at, to, message } of lan.sentBy(host)) {
    if (to !== undefined || !message.response) continue;
    for (const record of [...message.answers, ...message.additionals]) {
      const key = recordKey(record);
      if (record.ttl === 0) {
        last.delete(key);
        continue;
      }
      const before = last.get(key) ?? -Infinity;
      const least = wasProbed(lan, record, { host, since: before - 250, until: at }) ? 250 : 1_000;
      if (at - before < least - 0.01) faults.push(`${key} at ${before} and ${at}`);
      last.set(key, at);
    }
  }
  return faults;
}

function wasProbed(
  lan: ResponderLan,
  { name }: DnsRecord,
  { host, since, until }: { host: ResponderHost; since: number; until: number },
): boolean {
  const key = nameKey(name);
  return lan.packets.some(
    (packet) =>
      packet.at >= since &&
      packet.at <= until &&
      packet.from !== host.address &&
      isProbe(packet) &&
      packet.message.authorities.some((record) => nameKey(record.name) === key),
  );
}

test('nobody off the link gets an answer, and no packet exceeds a frame', () => {
  fc.assert(
    fc.property(fc.nat(), steps, (seed, list) => {
      const { lan } = run(seed, list);
      const sent = lan.hosts.flatMap((host) => lan.sentBy(host));
      expect(sent.filter(({ to }) => to !== undefined && !to.address.startsWith('10.0.0.'))).toEqual([]);
      expect(sent.filter((packet) => packet.bytes > 1_440)).toEqual([]);
    }),
    runs,
  );
});

test('never a goodbye for what another owns', () => {
  fc.assert(
    fc.property(fc.nat(), steps, (seed, list) => {
      const { lan } = run(seed, list);
      for (const host of lan.hosts)
        for (const packet of lan.sentBy(host))
          for (const record of packet.message.answers.filter(({ ttl }) => ttl === 0))
            expect(isOwnerOf(host, record, packet), `${nameKey(record.name)} at ${packet.at}`).toBe(true);
    }),
    runs,
  );
});

/** Its last news of the name was that it is its own. */
function isOwnerOf(host: ResponderHost, { name, data }: DnsRecord, { at }: Packet): boolean {
  if (name[0] === '_services') return false;
  return isEstablished(host, data.type === 'PTR' ? data.target : name, at);
}

function isEstablished(host: ResponderHost, name: DnsName, at: number): boolean {
  const key = nameKey(name);
  const lastOf = (list: ResponderHost['established']): number =>
    Math.max(-1, ...list.filter((one) => one.at <= at && nameKey(one.name) === key).map((one) => one.at));
  return lastOf(host.established) > lastOf(host.conflicts);
}

test('in the end no name is held by two, and everybody holds all of his', () => {
  fc.assert(
    fc.property(fc.nat(), steps, (seed, list) => {
      const { lan, devices } = run(seed, list);
      const since = lan.now;
      // Who holds a name answers for it, by multicast and without delay.
      for (const label of [...labels, ...labels.map((one) => `${one}+`)])
        for (const type of types) lan.inject(query([ask('SRV', label, type, '_tcp', 'local')]), { from: '10.0.0.98' });
      lan.run(2_000);
      const holders = new Map<string, string>();
      for (const { from, message } of lan.packets.filter(({ at, message: one }) => at >= since && one.response))
        for (const { name, data } of message.answers) {
          if (data.type !== 'SRV') continue;
          expect(holders.get(nameKey(name)) ?? from, nameKey(name)).toBe(from);
          holders.set(nameKey(name), from);
        }
      for (const { host, wanted: last } of devices) {
        expect(host.nextAt()).toBeGreaterThan(lan.now);
        const names = last === undefined ? [] : [last.host, ...last.services.map(({ instance: name }) => name)];
        for (const name of names) expect(isEstablished(host, name, lan.now), name.join('.')).toBe(true);
      }
    }),
    runs,
  );
});

import { describe, expect, test } from 'vitest';
import type { DnsRecord } from '../../agent/discovery/dns-types.ts';
import {
  addressRecord,
  established,
  bytes,
  ptr,
  srv,
  txt,
  answer,
  ask,
  askUnicast,
  carrying,
  goodbyes,
  isProbe,
  isResponse,
  own,
  query,
  type ResponderHost,
  ResponderLan,
  said,
  service,
} from '../sim/responder-lan.ts';

const instance = ['Anna', '_nethood', '_tcp', 'local'];
const type = ['_nethood', '_tcp', 'local'];

describe('probing (RFC 6762 section 8)', () => {
  test('a name is probed for three times, 250 ms apart, at most 250 ms after the start', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { lan, host } = established(seed);
      const probes = lan.sentBy(host).filter(isProbe);
      expect(probes).toHaveLength(3);
      const [first = NaN, second = NaN, third = NaN] = probes.map(({ at }) => at);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first).toBeLessThan(250);
      expect([second - first, third - second]).toEqual([expect.closeTo(250, 6), expect.closeTo(250, 6)]);
      expect(host.established.map(({ at }) => at - third)).toEqual([expect.closeTo(250, 6), expect.closeTo(250, 6)]);
    }
  });

  test('a probe asks for ANY and unicast answers, and carries what it proposes', () => {
    const { lan, host } = established();
    const probe = lan.sentBy(host).find(isProbe);
    expect(probe?.message.questions).toEqual([askUnicast('ANY', 'nh-anna', 'local'), askUnicast('ANY', ...instance)]);
    expect(probe?.message.authorities.map(said)).toEqual([
      'A nh-anna.local',
      'SRV Anna._nethood._tcp.local',
      'TXT Anna._nethood._tcp.local',
    ]);
    expect(probe?.message.authorities.every(({ flush, ttl }) => !flush && ttl > 0)).toBe(true);
  });

  test('beside another responder on the port, probes ask for multicast answers', () => {
    const lan = new ResponderLan();
    const host = lan.host({ deps: { mayUnicast: () => false } });
    host.set(own([]));
    lan.run(1_000);
    expect(lan.packets[0]?.message.questions).toEqual([ask('ANY', 'nh-anna', 'local')]);
  });

  test('who loses a tie waits a second and probes again', () => {
    const lan = new ResponderLan();
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(300);
    const begun = lan.now;
    // The later of two: SRV (33) after TXT (16).
    for (let probe = 0; probe < 3; probe++) {
      lan.inject(query([ask('ANY', ...instance)], { authorities: [srv(instance, 'zz', 9)] }));
      lan.run(250);
    }
    lan.run(250);
    const since = lan.sentBy(host, begun + 2).filter(isProbe);
    expect(since.flatMap(({ message }) => message.authorities.map(said))).not.toContain('SRV Anna._nethood._tcp.local');
    lan.run(2_000);
    expect(host.conflicts).toEqual([]);
    const again = carryingProbe(lan, host, begun + 2).map(({ at }) => at - begun);
    expect(again).toHaveLength(3);
    expect(again[0]).toBeGreaterThanOrEqual(1_000);
    expect(again[0]).toBeLessThan(1_005);
  });

  test('who wins a tie goes on as if nothing had happened', () => {
    const lan = new ResponderLan();
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(300);
    lan.inject(query([ask('ANY', ...instance)], { authorities: [txt(instance, 'v=0')] }));
    lan.run(800);
    expect(host.established).toHaveLength(2);
    expect(carryingProbe(lan, host, 0)).toHaveLength(3);
  });

  test('a name that another has is given up without a goodbye for its owner', () => {
    const lan = new ResponderLan();
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(300);
    lan.inject(answer([srv(instance, 'other'), txt(instance, 'v=1')]));
    lan.run(20_000);
    expect(host.conflicts.map(({ name }) => name)).toEqual([instance]);
    expect(goodbyes(lan.sentBy(host))).toEqual([]);
    expect(carrying(lan.sentBy(host), 'SRV', ...instance)).toEqual([]);
    expect(carrying(lan.sentBy(host), 'PTR', ...type)).toEqual([]);
    host.set(own([service('Anna (2)')]));
    lan.run(2_000);
    expect(carrying(lan.sentBy(host), 'SRV', 'Anna (2)', ...type)).toHaveLength(2);
    expect(goodbyes(lan.sentBy(host))).toEqual([]);
  });

  test('the host name is probed for and lost as any other', () => {
    const lan = new ResponderLan();
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(300);
    lan.inject(answer([told('10.0.0.50')]));
    lan.run(5_000);
    expect(host.conflicts.map(({ name }) => name)).toEqual([['nh-anna', 'local']]);
    // Nothing points to a name that is another's.
    expect(lan.sentBy(host).filter(isResponse)).toEqual([]);
    host.set(own([service('Anna')], { host: ['nh-anna-2', 'local'] }));
    lan.run(2_000);
    const [announced] = carrying(lan.sentBy(host), 'SRV', ...instance);
    expect(announced?.message.answers).toContainEqual(srv(instance, 'nh-anna-2'));
  });

  test('after 15 conflicts within 10 s each probe waits 5 s', () => {
    const lan = new ResponderLan();
    const host = lan.host();
    let attempt = 0;
    const begin: number[] = [];
    const next = (): void => {
      begin.push(lan.now);
      attempt++;
      host.set(own([service(`Anna (${attempt})`)]));
    };
    host.onConflict = next;
    next();
    lan.run(1_000);
    for (let round = 0; round < 17; round++) {
      lan.inject(answer([srv([`Anna (${attempt})`, ...type], 'other')]));
      lan.run(100);
    }
    lan.run(20_000);
    const waits = begin.map((at, which) => {
      const name = `Anna (${which + 1})`;
      const first = lan.sentBy(host).find(({ message }) => message.questions.some((one) => one.name[0] === name));
      return (first?.at ?? Infinity) - at;
    });
    expect(waits.at(-1)).toBeGreaterThanOrEqual(5_000);
    expect(waits.at(-1)).toBeLessThan(5_300);
    expect(waits[0]).toBeLessThan(250);
  });
});

describe('conflicts with an established name (RFC 6762 section 9)', () => {
  test('it is probed for again, and kept where nobody answers', () => {
    const { lan, host, since } = established();
    lan.inject(answer([txt(instance, 'forged')]));
    lan.run(1_100);
    expect(lan.sentBy(host, since).filter(isProbe)).toHaveLength(3);
    lan.run(3_000);
    expect(host.conflicts).toEqual([]);
    expect(carrying(lan.sentBy(host, since), 'TXT', ...instance)).toHaveLength(2);
  });

  test('it is lost where the other answers the probe', () => {
    const { lan, host, since } = established();
    lan.inject(answer([txt(instance, 'theirs')]));
    lan.run(400);
    lan.inject(answer([txt(instance, 'theirs')]));
    lan.run(3_000);
    expect(host.conflicts.map(({ name }) => name)).toEqual([instance]);
    host.stop();
    // The type's pointer is the other's now, and identical to what ours was.
    expect(goodbyes(lan.sentBy(host, since)).map(said)).toEqual(['A nh-anna.local']);
  });

  test('identical records are no conflict, nor are goodbyes or our own addresses', () => {
    const { lan, host, since } = established(1, own([service('Anna')], { addresses: ['10.0.0.1'] }));
    lan.inject(answer([txt(instance, 'v=1'), srv(instance, 'NH-ANNA')]));
    lan.inject(answer([{ ...srv(instance, 'other', 7), ttl: 0 }]));
    lan.run(3_000);
    expect(lan.sentBy(host, since).filter(isProbe)).toEqual([]);
  });

  test('an address of either family for our host name is a conflict', () => {
    const { lan, host, since } = established();
    lan.inject(answer([told('fe80::9')]));
    lan.run(1_100);
    expect(lan.sentBy(host, since).filter(isProbe)).toHaveLength(3);
  });

  test('what other cards of ours say, late or by way of a reflector, is no conflict', () => {
    const lan = new ResponderLan();
    const host = lan.host({ deps: { isOwn: (address) => ['10.0.0.1', '10.0.0.2', '10.1.0.1'].includes(address) } });
    host.set(own([service('Anna')]));
    lan.run(300);
    // Brought here from another LAN of ours; an address that our other card has just lost; what the first would say.
    lan.inject(answer([told('10.1.0.1')]), { from: '10.0.0.254' });
    lan.inject(answer([told('10.0.0.3')]), { from: '10.0.0.2' });
    const negative: DnsRecord = { ...txt(instance, ''), data: { type: 'NSEC', next: instance, types: [16, 33] } };
    lan.inject(answer([negative]), { from: '10.0.0.254' });
    lan.run(3_000);
    expect(host.conflicts).toEqual([]);
    expect(host.established).toHaveLength(2);
  });

  test("our other card's packets are no conflict: LAN and Wi-Fi on one subnet", () => {
    const lan = new ResponderLan();
    const cards = ['10.0.0.1', '10.0.0.2'].map((address) => lan.host({ address, deps: { isOwn: isEither } }));
    for (const card of cards) card.set(own([service('Anna')], { addresses: [card.address] }));
    lan.run(5_000);
    for (const card of cards) card.set(own([service('Anna', '_nethood', { port: 7 })], { addresses: [card.address] }));
    lan.run(5_000);
    for (const card of cards) {
      expect(card.conflicts).toEqual([]);
      expect(card.established).toHaveLength(2);
      expect(lan.sentBy(card).filter(isProbe)).toHaveLength(3);
    }
  });

  test('another agent on this PC, with our addresses, can contest an instance', () => {
    const lan = new ResponderLan();
    lan.echo = true;
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(300);
    lan.inject(answer([srv(instance, 'nh-bert'), txt(instance, 'v=1')]), { from: host.address });
    lan.run(10);
    expect(host.conflicts.map(({ name }) => name)).toEqual([instance]);
  });

  test('the echo of our own packets changes nothing', () => {
    const lan = new ResponderLan();
    lan.echo = true;
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(10_000);
    expect(lan.packets.filter(isProbe)).toHaveLength(3);
    expect(lan.packets.filter(isResponse)).toHaveLength(2);
    expect(host.conflicts).toEqual([]);
  });
});

describe('announcing (RFC 6762 8.3, 8.4, 10.1)', () => {
  test('everything is announced twice, a second apart, in one packet each', () => {
    const { lan, host } = established();
    const announcements = lan.sentBy(host).filter(isResponse);
    expect(announcements).toHaveLength(2);
    const [first, second] = announcements;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeCloseTo(1_000, 6);
    for (const { message } of announcements)
      expect(message.answers.map(said).toSorted()).toEqual([
        'A nh-anna.local',
        'PTR _nethood._tcp.local',
        'PTR _services._dns-sd._udp.local',
        'SRV Anna._nethood._tcp.local',
        'TXT Anna._nethood._tcp.local',
      ]);
  });

  test('the cache-flush bit stands on what is ours alone, TTLs are 120 s for hosts and 4500 s otherwise', () => {
    const { lan, host } = established();
    for (const { message } of lan.sentBy(host).filter(isResponse))
      for (const { flush, ttl, data } of message.answers) {
        expect(flush).toBe(data.type !== 'PTR');
        expect(ttl).toBe(data.type === 'PTR' || data.type === 'TXT' ? 4_500 : 120);
      }
  });

  test('a changed TXT is announced anew without a goodbye', () => {
    const { lan, host, since } = established();
    host.set(own([service('Anna', '_nethood', { txt: [bytes('v=2')] })]));
    lan.run(5_000);
    const packets = lan.sentBy(host, since);
    expect(packets).toHaveLength(2);
    expect(packets[0]?.at).toBe(since);
    expect(packets.flatMap(({ message }) => message.answers)).toEqual([txt(instance, 'v=2'), txt(instance, 'v=2')]);
  });

  test('a changed address is announced at once, and the old one taken back', () => {
    const { lan, host, since } = established();
    host.set(own([service('Anna')], { addresses: ['10.0.0.7'] }));
    lan.run(5_000);
    const answers = lan.sentBy(host, since).flatMap(({ at, message }) => message.answers.map((one) => ({ at, one })));
    expect(answers.map(({ at, one }) => [at - since, one.data, one.ttl])).toEqual([
      [0, { type: 'A', address: '10.0.0.1' }, 0],
      [0, { type: 'A', address: '10.0.0.7' }, 120],
      [expect.closeTo(1_000, 6), { type: 'A', address: '10.0.0.7' }, 120],
    ]);
  });

  test('a goodbye is said for what is ours, never for the list of types', () => {
    const { lan, host, since } = established(
      1,
      own([service('Anna'), service('Anna', '_ipp', { subtypes: ['print'] })]),
    );
    host.set(own([service('Anna')]));
    expect(goodbyes(lan.sentBy(host, since)).map(said)).toEqual([
      'SRV Anna._ipp._tcp.local',
      'TXT Anna._ipp._tcp.local',
      'PTR _ipp._tcp.local',
      'PTR _print._sub._ipp._tcp.local',
    ]);
    lan.run(100);
    host.stop();
    expect(goodbyes(lan.sentBy(host, lan.now)).map(said)).toEqual([
      'A nh-anna.local',
      'SRV Anna._nethood._tcp.local',
      'TXT Anna._nethood._tcp.local',
      'PTR _nethood._tcp.local',
    ]);
    const stopped = lan.now;
    lan.run(10);
    lan.inject(query([ask('PTR', ...type)]));
    lan.run(5_000);
    expect(lan.sentBy(host, stopped + 1)).toEqual([]);
    expect(host.nextAt()).toBe(Infinity);
  });

  test('who takes the name back with a forged goodbye is contradicted', () => {
    const { lan, host, since } = established();
    lan.inject(answer([ptr(type, instance, 0)]));
    lan.run(200);
    expect(carrying(lan.sentBy(host, since), 'PTR', ...type)).toHaveLength(1);
  });

  test('after waking up every name is probed for and announced again', () => {
    const { lan, host, since } = established();
    host.wake();
    lan.run(1_100);
    expect(lan.sentBy(host, since).filter(isProbe)).toHaveLength(3);
    expect(lan.sentBy(host, since).filter(isResponse)).toHaveLength(1);
    lan.run(5_000);
    expect(lan.sentBy(host, since).filter(isResponse)).toHaveLength(2);
  });
});

/** Probes for Anna. */
function carryingProbe(lan: ResponderLan, host: ResponderHost, since: number): { at: number }[] {
  return lan
    .sentBy(host, since)
    .filter((packet) => isProbe(packet) && packet.message.authorities.some(({ name }) => name[0] === 'Anna'));
}

function told(address: string): DnsRecord {
  return addressRecord(['nh-anna', 'local'], address);
}

function isEither(address: string): boolean {
  return address === '10.0.0.1' || address === '10.0.0.2';
}

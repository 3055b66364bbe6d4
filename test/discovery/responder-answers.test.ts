import { describe, expect, test } from 'vitest';
import type { DnsMessage } from '../../agent/discovery/dns-types.ts';
import {
  answer,
  ask,
  askUnicast,
  carrying,
  established,
  isResponse,
  own,
  type Packet,
  ptr,
  query,
  type ResponderHost,
  ResponderLan,
  said,
  service,
  srv,
} from '../sim/responder-lan.ts';

const instance = ['Anna', '_nethood', '_tcp', 'local'];
const type = ['_nethood', '_tcp', 'local'];
const asker = '10.0.0.99';

/** What it says to one packet, and how long after that. */
function answersTo(
  message: DnsMessage,
  { seed = 1, from = asker, port = 5353, want = own([service('Anna')]) } = {},
): {
  readonly packets: Packet[];
  readonly after: number[];
} {
  const { lan, host, since } = established(seed, want);
  lan.inject(message, { from, port });
  lan.run(2_000);
  const packets = lan.sentBy(host, since);
  return { packets, after: packets.map(({ at }) => at - since) };
}

function knowing(ttl: number): DnsMessage {
  return query([ask('PTR', ...type)], { answers: [ptr(type, instance, ttl)] });
}

describe('delays and packets (RFC 6762 section 6)', () => {
  test('shared records are answered 20 to 120 ms later', () => {
    const delays = Array.from({ length: 100 }, (_, seed) => answersTo(query([ask('PTR', ...type)]), { seed }).after);
    expect(delays.every(({ length }) => length === 1)).toBe(true);
    const all = delays.flat();
    // The packet itself travels for up to 1.1 ms.
    expect(Math.min(...all)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...all)).toBeLessThan(121.2);
    expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(70);
  });

  test('records that are ours alone are answered at once', () => {
    const { packets, after } = answersTo(query([ask('SRV', ...instance)]));
    expect(packets.map(({ message }) => message.answers.map(said))).toEqual([['SRV Anna._nethood._tcp.local']]);
    expect(after[0]).toBeLessThan(1.2);
  });

  test('three questions in a packet are answered in one packet, a little later', () => {
    const { packets, after } = answersTo(
      query([ask('PTR', ...type), ask('TXT', ...instance), ask('A', 'nh-anna', 'local')]),
    );
    expect(packets).toHaveLength(1);
    expect(packets[0]?.message.answers.map(said).toSorted()).toEqual([
      'A nh-anna.local',
      'PTR _nethood._tcp.local',
      'TXT Anna._nethood._tcp.local',
    ]);
    expect(after[0]).toBeGreaterThanOrEqual(20);
  });

  test('a record is multicast once a second, however often it is asked for', () => {
    const { lan, host, since } = established();
    for (let count = 0; count < 200; count++) {
      lan.inject(query([ask('PTR', ...type), ask('A', 'nh-anna', 'local')]));
      lan.run(10);
    }
    lan.run(3_000);
    for (const [kind, ...name] of [
      ['PTR', ...type],
      ['A', 'nh-anna', 'local'],
      ['SRV', ...instance],
    ] as const) {
      const times = carrying(lan.sentBy(host, since), kind, ...name).map(({ at }) => at);
      expect(times).toHaveLength(3);
      for (const [which, at] of times.slice(1).entries())
        expect(at - (times[which] ?? 0)).toBeGreaterThanOrEqual(999.99);
    }
  });

  test("in defence against another's probe a quarter of a second is enough, at once and by multicast", () => {
    const { lan, host, since } = established();
    const probe = query([askUnicast('ANY', ...instance)], { authorities: [srv(instance, 'bert')] });
    for (let count = 0; count < 40; count++) {
      lan.inject(probe);
      lan.run(25);
    }
    const packets = carrying(lan.sentBy(host, since), 'SRV', ...instance);
    expect(packets.map(({ to }) => to)).toEqual([undefined, undefined, undefined, undefined]);
    expect((packets[0]?.at ?? Infinity) - since).toBeLessThan(1.2);
    for (const [which, { at }] of packets.slice(1).entries())
      expect(at - (packets[which]?.at ?? 0)).toBeGreaterThanOrEqual(249.99);
    expect(host.conflicts).toEqual([]);
  });

  test('records that another gives just now are not said again (7.4)', () => {
    const { lan, host, since } = established();
    lan.inject(query([ask('PTR', '_services', '_dns-sd', '_udp', 'local')]));
    lan.run(15);
    lan.inject(answer([ptr(['_services', '_dns-sd', '_udp', 'local'], type)]));
    lan.run(1_000);
    expect(lan.sentBy(host, since)).toEqual([]);
  });

  test('what two ask for one after the other is answered in one packet (6.4)', () => {
    let together = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const { lan, host, since } = established(seed);
      lan.inject(query([ask('PTR', ...type)]));
      lan.run(2);
      lan.inject(query([ask('PTR', '_services', '_dns-sd', '_udp', 'local')]), { from: '10.0.0.98' });
      lan.run(1_000);
      if (lan.sentBy(host, since).length === 1) together++;
    }
    expect(together).toBeGreaterThan(40);
  });

  test('of several addresses the rest is said too, when another says one of them', () => {
    const both = ['10.0.0.1', '10.0.0.2'];
    const { lan, host, since } = established(1, own([], { addresses: both }));
    const name = ['nh-anna', 'local'];
    lan.inject(query([ask('A', ...name), ask('A', 'other', 'local')]));
    lan.run(5);
    lan.inject(answer([{ name, ttl: 120, flush: true, data: { type: 'A', address: '10.0.0.2' } }]));
    lan.run(500);
    const data = lan.sentBy(host, since).flatMap(({ message }) => message.answers.map((one) => one.data));
    expect(data).toEqual(both.map((address) => ({ type: 'A', address })));
  });

  test('a record that another tells with less than half of our TTL is announced (6.6)', () => {
    const { lan, host, since } = established();
    lan.inject(answer([{ ...srv(instance, 'nh-anna'), ttl: 50 }]));
    lan.run(500);
    expect(carrying(lan.sentBy(host, since), 'SRV', ...instance)).toHaveLength(1);
  });
});

describe('known answers (RFC 6762 7.1, 7.2)', () => {
  test('what the asker knows for at least half its life more is not said', () => {
    expect(answersTo(knowing(4_500)).packets).toEqual([]);
    expect(answersTo(knowing(2_250)).packets).toEqual([]);
    expect(answersTo(knowing(2_249)).packets).toHaveLength(1);
  });

  test('of several addresses either all or none are said: the cache-flush bit would erase the rest', () => {
    const want = own([], { addresses: ['10.0.0.1', '10.0.0.2'] });
    const host = ['nh-anna', 'local'];
    const record = { name: host, ttl: 120, flush: false, data: { type: 'A' as const, address: '10.0.0.1' } };
    const { packets } = answersTo(query([ask('A', ...host)], { answers: [record] }), { want });
    expect(packets.flatMap(({ message }) => message.answers.map(said))).toEqual(['A nh-anna.local', 'A nh-anna.local']);
  });

  test('a truncated question is answered 400 to 500 ms after its last packet, with the known answers of all of them', () => {
    const { lan, host, since } = established(1, own([service('Anna'), service('Bert')]));
    const bert = ['Bert', ...type];
    lan.inject(query([ask('PTR', ...type)], { truncated: true, answers: [ptr(type, ['Zoe', ...type])] }));
    lan.run(300);
    lan.inject(query([], { truncated: true, answers: [ptr(type, instance)] }));
    lan.run(300);
    lan.inject(query([], { answers: [ptr(type, ['Zack', ...type])] }));
    lan.run(2_000);
    const packets = lan.sentBy(host, since);
    expect(packets.map(({ message }) => message.answers)).toEqual([[ptr(type, bert)]]);
    expect((packets[0]?.at ?? 0) - since).toBeGreaterThanOrEqual(700);
    expect((packets[0]?.at ?? 0) - since).toBeLessThan(802);
  });

  test('the wait ends 500 ms after the last packet, whatever chance says', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { packets, after } = answersTo(query([ask('PTR', ...type)], { truncated: true }), { seed });
      expect(packets).toHaveLength(1);
      expect(after[0]).toBeGreaterThanOrEqual(400);
      expect(after[0]).toBeLessThan(501.2);
    }
  });

  test('of very many truncated questions the last are answered without that wait', () => {
    const { lan, host, since } = established();
    for (let at = 0; at < 101; at++)
      lan.inject(query([ask('PTR', ...type)], { truncated: true }), { from: `10.0.0.${100 + at}` });
    lan.run(200);
    expect(lan.sentBy(host, since)).toHaveLength(1);
  });

  test('what one asker knows is still said to another', () => {
    const { lan, host, since } = established();
    lan.inject(query([ask('PTR', ...type)], { answers: [ptr(type, instance)] }));
    lan.inject(query([ask('PTR', ...type)]), { from: '10.0.0.98' });
    lan.run(500);
    expect(lan.sentBy(host, since)).toHaveLength(1);
  });
});

describe('unicast answers (RFC 6762 5.4, 6.7, 11)', () => {
  test('a QU question is answered to the asker alone', () => {
    const { packets, after } = answersTo(query([askUnicast('PTR', ...type)]));
    expect(packets.map(({ to }) => to)).toEqual([{ address: asker, port: 5353 }]);
    expect(packets[0]?.message.answers).toEqual([ptr(type, instance)]);
    expect(after[0]).toBeGreaterThanOrEqual(20);
  });

  test('asked both ways in one packet, it is said to all', () => {
    for (const questions of [
      [ask('PTR', ...type), askUnicast('PTR', ...type)],
      [askUnicast('PTR', ...type), ask('PTR', ...type)],
    ])
      expect(answersTo(query(questions)).packets.map(({ to }) => to)).toEqual([undefined]);
  });

  test('a QU question for what was not multicast for a quarter of its TTL is answered to all', () => {
    const { lan, host } = established();
    lan.run(25_000);
    const since = lan.now;
    lan.inject(query([askUnicast('SRV', ...instance)]));
    lan.run(100);
    expect(lan.sentBy(host, since).map(({ to }) => to)).toEqual([undefined]);
    lan.inject(query([askUnicast('SRV', ...instance)]));
    lan.run(100);
    expect(lan.sentBy(host, since).map(({ to }) => to)).toEqual([undefined, { address: asker, port: 5353 }]);
  });

  test('a legacy question from another port is answered to it with its id, the question, short TTLs and no cache-flush bit', () => {
    const { packets, after } = answersTo(query([ask('PTR', ...type)], { id: 4_711 }), { port: 54_321 });
    expect(packets.map(({ to }) => to)).toEqual([{ address: asker, port: 54_321 }]);
    const [packet] = packets;
    expect(packet?.message.id).toBe(4_711);
    expect(packet?.message.questions).toEqual([ask('PTR', ...type)]);
    const records = [...(packet?.message.answers ?? []), ...(packet?.message.additionals ?? [])];
    expect(records.map(({ data }) => data.type)).toEqual(['PTR', 'SRV', 'TXT', 'A', 'NSEC']);
    expect(records.every(({ ttl, flush }) => ttl === 10 && !flush)).toBe(true);
    expect(after[0]).toBeLessThan(1.2);
  });

  test('a legacy answer is one packet, however much there is', () => {
    const many = Array.from({ length: 60 }, (_, at) => service(`Printer number ${at} of the second floor`));
    const { packets } = answersTo(query([ask('PTR', ...type)], { id: 1 }), { port: 54_321, want: own(many) });
    expect(packets).toHaveLength(1);
    expect(packets[0]?.bytes).toBeLessThanOrEqual(1_440);
    expect(packets[0]?.message.questions).toHaveLength(1);
  });

  test('nobody from off the link is answered, or believed', () => {
    const { lan, host, since } = established();
    for (const port of [5_353, 54_321]) {
      lan.inject(query([ask('PTR', ...type)]), { from: '192.0.2.1', port });
      lan.inject(query([askUnicast('SRV', ...instance)]), { from: '192.0.2.1', port });
    }
    lan.inject(answer([srv(instance, 'evil')]), { from: '192.0.2.1' });
    lan.inject(answer([srv(instance, 'evil')]), { port: 54_321 });
    lan.run(5_000);
    expect(lan.sentBy(host, since)).toEqual([]);
  });
});

describe('what is answered (RFC 6762 6.1, RFC 6763 section 9 and 12)', () => {
  test('with a pointer go SRV, TXT and addresses; one family of addresses says that there is no other', () => {
    const { packets } = answersTo(query([ask('PTR', ...type)]));
    expect(packets.map(({ message }) => message.additionals.map(said))).toEqual([
      ['SRV Anna._nethood._tcp.local', 'TXT Anna._nethood._tcp.local', 'A nh-anna.local', 'NSEC nh-anna.local'],
    ]);
    const both = answersTo(query([ask('SRV', ...instance)]), {
      want: own([service('Anna')], { addresses: ['10.0.0.1', 'FE80::1'] }),
    });
    expect(both.packets[0]?.message.additionals.map(said)).toEqual(['A nh-anna.local', 'AAAA nh-anna.local']);
  });

  test('a unique name without that type says so, at once', () => {
    const host = answersTo(query([ask('AAAA', 'nh-anna', 'local')]));
    expect(host.packets.map(({ message }) => message.answers)).toEqual([
      [
        {
          name: ['nh-anna', 'local'],
          ttl: 120,
          flush: true,
          data: { type: 'NSEC', next: ['nh-anna', 'local'], types: [1] },
        },
      ],
    ]);
    expect(host.after[0]).toBeLessThan(1.2);
    const ours = answersTo(query([ask('A', ...instance)]));
    expect(ours.packets[0]?.message.answers[0]?.data).toEqual({ type: 'NSEC', next: instance, types: [16, 33] });
    expect(answersTo(query([ask('TXT', ...type)])).packets).toEqual([]);
    expect(answersTo(query([ask('A', 'other', 'local')])).packets).toEqual([]);
  });

  test('ANY is answered with all records of the name', () => {
    const { packets } = answersTo(query([ask('ANY', 'ANNA', '_nethood', '_TCP', 'local')]));
    expect(packets[0]?.message.answers.map(said)).toEqual([
      'SRV Anna._nethood._tcp.local',
      'TXT Anna._nethood._tcp.local',
    ]);
  });

  test('subtypes and the list of types are answered', () => {
    const want = own([
      service('Laser', '_ipp', { subtypes: ['print', 'universal'] }),
      service('Ink', '_ipp', { subtypes: ['print'] }),
    ]);
    const ipp = ['_ipp', '_tcp', 'local'];
    const print = answersTo(query([ask('PTR', '_print', '_sub', ...ipp)]), { want }).packets;
    expect(print.flatMap(({ message }) => message.answers.map(({ data }) => data))).toEqual([
      { type: 'PTR', target: ['Laser', ...ipp] },
      { type: 'PTR', target: ['Ink', ...ipp] },
    ]);
    const universal = answersTo(query([ask('PTR', '_universal', '_sub', ...ipp)]), { want }).packets;
    expect(universal[0]?.message.answers).toHaveLength(1);
    const types = answersTo(query([ask('PTR', '_services', '_dns-sd', '_udp', 'local')]), { want }).packets;
    expect(types[0]?.message.answers.map(({ data }) => data)).toEqual([{ type: 'PTR', target: ipp }]);
  });

  test('names with dots, backslashes, umlauts and 63 bytes are said as they are; one of 64 bytes is an error', () => {
    for (const label of ['Dr. A. Muster', String.raw`C:\Ärger & Co. (1)`, 'ß'.repeat(31) + '!']) {
      const { packets } = answersTo(query([ask('PTR', ...type)]), { want: own([service(label)]) });
      expect(packets[0]?.message.answers).toEqual([ptr(type, [label, ...type])]);
    }
    const { host } = established();
    expect(() => host.set(own([service('x'.repeat(64))]))).toThrow('cannot be a DNS name');
  });

  test('an IPv6 host answers with its addresses, and says that it has no IPv4', () => {
    const want = own([service('Anna')], { addresses: ['fe80::1', '2001:db8::7'] });
    const { packets } = answersTo(query([ask('SRV', ...instance)]), { want });
    expect(packets[0]?.message.additionals.map(said)).toEqual([
      'AAAA nh-anna.local',
      'AAAA nh-anna.local',
      'NSEC nh-anna.local',
    ]);
  });

  test('several services share one host name and few packets: 40 of them', () => {
    const lan = new ResponderLan();
    const host: ResponderHost = lan.host();
    const text = Array.from({ length: 8 }, (_, at) => new TextEncoder().encode(`key${at}=a value of some length`));
    host.set(own(Array.from({ length: 40 }, (_, at) => service(`Printer ${at}`, '_ipp', { txt: text }))));
    lan.run(1_100);
    expect(host.established).toHaveLength(41);
    expect(host.conflicts).toEqual([]);
    expect(lan.packets.every(({ bytes }) => bytes <= 1_440)).toBe(true);
    const announced = lan.packets.filter(isResponse);
    expect(announced.length).toBeLessThan(12);
    expect(new Set(announced.flatMap(({ message }) => message.answers.map(said))).size).toBe(83);
  });

  test('a host without addresses says nothing', () => {
    const { lan } = established(1, own([service('Anna')], { addresses: [] }));
    expect(lan.packets).toEqual([]);
  });
});

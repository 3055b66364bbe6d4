import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { agentType, InstanceTable } from '../../agent/discovery/instance-table.ts';
import { type MdnsRecord, readRecords } from '../../agent/discovery/mdns-records.ts';
import { DeviceId } from '../../protocol/ids.ts';

const self = DeviceId.parse('s'.repeat(52));
const ann = DeviceId.parse('a'.repeat(52));
const origin = { card: 'eth0', zone: 'eth0', source: '10.0.0.1' };
let table: InstanceTable;

beforeEach(() => {
  table = new InstanceTable({ self, usable: (address) => !address.startsWith('127.') });
});

const common = { ttl: 120, flush: false };
function ptr(label: string, ttl = 4500): MdnsRecord {
  return { ...common, type: 'PTR', name: agentType, target: `${label}.${agentType}`, ttl };
}
function srv(label: string, port = 6631, target = `nh-${label}.local`): MdnsRecord {
  return { ...common, type: 'SRV', name: `${label}.${agentType}`, target, port };
}
function txt(label: string, id: string = ann, name = label): MdnsRecord {
  const strings = [`ID=${id}`, 'v=1', `name=${name}`].map((text) => Buffer.from(text));
  return { ...common, type: 'TXT', name: `${label}.${agentType}`, strings };
}
function a(label: string, address: string, over: Partial<MdnsRecord> = {}): MdnsRecord {
  return {
    ...common,
    type: address.includes(':') ? 'AAAA' : 'A',
    name: `nh-${label}.local`,
    address,
    ...over,
  } as MdnsRecord;
}
function whole(label: string, id: string = ann, address = '10.0.0.1'): MdnsRecord[] {
  return [ptr(label), srv(label), txt(label, id), a(label, address)];
}
const sighting = { id: ann, name: 'ann', port: 6631, addresses: [{ address: '10.0.0.1' }] };

describe('a sighting', () => {
  test('comes from one whole packet, once', () => {
    table.take(whole('ann'), origin, 0);
    expect(table.changes(0)).toEqual({ seen: [sighting], lost: [] });
    table.take(whole('ann'), origin, 1_000);
    expect(table.changes(1_000)).toEqual({ seen: [], lost: [] });
  });

  test('comes from separate packets too, asking for what is missing', () => {
    table.take([ptr('ann')], origin, 0);
    expect(table.questions(0).map(({ name, type }) => [name, type])).toEqual([
      [`ann.${agentType}`, 'SRV'],
      [`ann.${agentType}`, 'TXT'],
    ]);
    table.take([txt('ann')], origin, 1);
    table.take([srv('ann')], origin, 2);
    expect(table.changes(2).seen).toEqual([]);
    expect(table.questions(1_100).map(({ name, type }) => [name, type])).toEqual([
      ['nh-ann.local', 'A'],
      ['nh-ann.local', 'AAAA'],
    ]);
    table.take([a('ann', '10.0.0.1')], origin, 1_101);
    expect(table.changes(1_101).seen).toEqual([sighting]);
  });

  test('is asked for four times at most, a second apart', () => {
    table.take([ptr('ann')], origin, 0);
    let asked = 0;
    for (let now = 0; now < 20_000; now += 100) if (table.questions(now).length > 0) asked++;
    expect(asked).toBe(4);
  });

  test('an instance with a dot in its name is asked for by type, because dns-packet cannot write it', () => {
    table.take([ptr('dr. ann')], origin, 0);
    expect(table.questions(0)).toEqual([{ card: 'eth0', name: agentType, type: 'PTR' }]);
    expect(table.knownAnswers('eth0', 0)).toEqual([]);
  });

  test('is told again when port, name or address changes', () => {
    table.take(whole('ann'), origin, 0);
    table.changes(0);
    table.take([srv('ann', 6641)], origin, 10);
    expect(table.changes(10).seen[0]?.port).toBe(6641);
    table.take([txt('ann', ann, 'Ann B.')], origin, 20);
    expect(table.changes(20).seen[0]?.name).toBe('Ann B.');
    table.take([a('ann', '10.0.0.9', { flush: true })], origin, 5_000);
    expect(table.changes(5_000).seen[0]?.addresses).toEqual([{ address: '10.0.0.9' }]);
  });

  test('names all addresses, link-local ones with their zone, of all cards', () => {
    table.take([...whole('ann'), a('ann', 'fe80::1'), a('ann', 'fd00::1'), a('ann', '127.0.0.1')], origin, 0);
    table.take(whole('ann', ann, '10.1.0.1'), { card: 'eth1', zone: 'eth1', source: '10.1.0.1' }, 0);
    expect(table.changes(0).seen[0]?.addresses).toEqual([
      { address: '10.0.0.1' },
      { address: '10.1.0.1' },
      { address: 'fd00::1' },
      { address: 'fe80::1', zone: 'eth0' },
    ]);
  });

  test('records of one announcement, spread over a second, do not flush each other', () => {
    table.take([...whole('ann'), a('ann', '10.0.0.2', { flush: true })], origin, 0);
    table.take([a('ann', '10.0.0.3', { flush: true })], origin, 500);
    expect(table.changes(500).seen[0]?.addresses).toHaveLength(3);
  });

  test('an address that ran out stays until a fresher one is known', () => {
    table.take(whole('ann'), origin, 0);
    table.changes(0);
    expect(table.changes(200_000)).toEqual({ seen: [], lost: [] });
    table.take([a('ann', '10.0.0.2')], origin, 200_000);
    expect(table.changes(200_000).seen[0]?.addresses).toEqual([{ address: '10.0.0.2' }]);
  });

  test('is never of ourselves, nor of a service without our text', () => {
    table.take(whole('me', self), origin, 0);
    table.take(
      [
        ptr('x'),
        srv('x'),
        { ...txt('x'), strings: [Buffer.from('flag'), Buffer.from('__proto__=1')] } as MdnsRecord,
        a('x', '10.0.0.1'),
      ],
      origin,
      0,
    );
    table.take([ptr('evil'), srv('evil'), txt('evil', ann, '\u001b]0;x\u0007'), a('evil', '10.0.0.1')], origin, 0);
    expect(table.changes(0)).toEqual({ seen: [], lost: [] });
  });
});

describe('the end of a sighting', () => {
  test('a goodbye counts after a second', () => {
    table.take(whole('ann'), origin, 0);
    table.changes(0);
    table.take([ptr('ann', 0)], origin, 100);
    expect(table.changes(1_000).lost).toEqual([]);
    expect(table.nextDue(100)).toBe(100);
    expect(table.questions(100)).toHaveLength(1);
    expect(table.changes(1_100).lost).toEqual([ann]);
    expect(table.size).toBe(0);
  });

  test('a goodbye in the name of another is contradicted by the owner', () => {
    table.take(whole('ann'), origin, 0);
    table.changes(0);
    table.take([ptr('ann', 0), { ...srv('ann'), ttl: 0 }], { ...origin, source: '10.0.0.66' }, 100);
    table.take(whole('ann'), origin, 150);
    expect(table.changes(2_000)).toEqual({ seen: [], lost: [] });
  });

  test('all records ran out, though the sender promised eight hours', () => {
    table.take([...whole('ann'), ptr('ann', 28_800)], origin, 0);
    table.changes(0);
    expect(table.changes(4_499_000).lost).toEqual([]);
    expect(table.changes(4_500_000).lost).toEqual([ann]);
  });

  test('a doubted one is asked for and gone after ten seconds, unless it answers', () => {
    table.take(whole('ann'), origin, 0);
    table.changes(0);
    table.doubt(ann, 1_000);
    expect(table.questions(1_000)).toEqual([{ card: 'eth0', name: agentType, type: 'PTR' }]);
    table.take([ptr('ann')], origin, 1_050);
    expect(table.changes(12_000).lost).toEqual([]);
    table.doubt(ann, 12_000);
    expect(table.questions(12_000)).toHaveLength(1);
    expect(table.changes(22_000).lost).toEqual([ann]);
  });

  test('a card that goes away takes what was heard on it alone', () => {
    table.take(whole('ann'), origin, 0);
    table.take(whole('ann', ann, '10.1.0.1'), { card: 'eth1', zone: 'eth1', source: '10.1.0.1' }, 0);
    table.changes(0);
    table.forgetCard('eth0');
    expect(table.changes(1)).toMatchObject({ seen: [{ addresses: [{ address: '10.1.0.1' }] }], lost: [] });
    table.forgetCard('eth1');
    expect(table.changes(2).lost).toEqual([ann]);
  });
});

describe('hostile senders', () => {
  test('one source fills 64 places, all together a thousand, and known ones stay', () => {
    table.take(whole('ann'), origin, 0);
    for (let at = 0; at < 200; at++) table.take([ptr(`x${at}`)], { ...origin, source: '10.0.0.66' }, at);
    expect(table.size).toBe(65);
    for (let at = 0; at < 5_000; at++)
      table.take([ptr(`y${at}`)], { ...origin, source: `10.1.${at >> 8}.${at & 255}` }, at);
    expect(table.size).toBe(1_000);
    expect(table.changes(5_000).seen).toEqual([sighting]);
  });

  test('places are free again after goodbyes', () => {
    for (let at = 0; at < 64; at++) table.take([ptr(`x${at}`)], origin, 0);
    for (let at = 0; at < 64; at++) table.take([ptr(`x${at}`, 0)], origin, 0);
    table.changes(1_000);
    table.take(whole('ann'), origin, 1_000);
    expect(table.changes(1_000).seen).toEqual([sighting]);
  });

  test('addresses are kept for named hosts only, sixteen each', () => {
    table.take(
      Array.from({ length: 500 }, (_, at) => a(`h${at}`, '10.0.0.1')),
      origin,
      0,
    );
    table.take([...whole('ann'), ...Array.from({ length: 100 }, (_, at) => a('ann', `10.0.1.${at}`))], origin, 0);
    expect(table.changes(0).seen[0]?.addresses).toHaveLength(16);
  });

  test('a flood of 100,000 packets is handled within a second', () => {
    const started = performance.now();
    for (let at = 0; at < 100_000; at++)
      table.take(whole(`x${at}`, ann, '10.0.0.1'), { ...origin, source: `10.${at % 200}.0.1` }, at);
    table.changes(100_000);
    expect(table.size).toBeLessThanOrEqual(1_000);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

function countOf(type: string, data: unknown): number {
  return readRecords([{ name: 'x.local', type, ttl: 1, data }]).length;
}

describe('records from a packet', () => {
  test('are understood or dropped, whatever they hold', () => {
    const kind = fc.constantFrom('PTR', 'SRV', 'TXT', 'A', 'AAAA', 'NSEC', 'UNKNOWN_9', '__proto__');
    const raw = fc.record({
      name: fc.anything(),
      type: kind,
      ttl: fc.anything(),
      flush: fc.anything(),
      data: fc.anything(),
    });
    fc.assert(
      fc.property(fc.array(raw), (records) => {
        table.take(readRecords(records), origin, 0);
        expect(table.changes(0)).toEqual({ seen: [], lost: [] });
      }),
    );
  });

  test('have names without regard to case, real ports and real addresses', () => {
    expect(readRecords([{ name: 'X.Local', type: 'PTR', ttl: 1, data: 'Y.Local' }])).toEqual([
      { name: 'x.local', type: 'PTR', ttl: 1, flush: false, target: 'y.local' },
    ]);
    expect([
      countOf('SRV', { target: 'a', port: 0 }),
      countOf('SRV', { target: 'a', port: 65_536 }),
      countOf('SRV', null),
    ]).toEqual([0, 0, 0]);
    expect([countOf('A', 'fd00::1'), countOf('AAAA', '10.0.0.1'), countOf('A', 'x')]).toEqual([0, 0, 0]);
    expect(countOf('TXT', ['not bytes', Buffer.from('a=b')])).toBe(1);
  });
});

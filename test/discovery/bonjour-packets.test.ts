import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { AnswerPace } from '../../agent/discovery/answer-pace.ts';
import { corrected, hostRecords, type OutRecord } from '../../agent/discovery/bonjour-packets.ts';
import type { Card } from '../../agent/discovery/cards.ts';

const hostName = 'nh-k3q7x2mf.local';
const card: Card = {
  name: 'eth0',
  loopback: false,
  addresses: [
    { address: '10.77.0.1', family: 4, prefix: 24 },
    { address: 'fd77::1', family: 6, prefix: 64 },
  ],
};
const name = 'Ann._nethood._tcp.local';
const ptr: OutRecord = { name: '_nethood._tcp.local', type: 'PTR', ttl: 28_800, data: name };
const types: OutRecord = { name: '_services._dns-sd._udp.local', type: 'PTR', ttl: 120, data: '_nethood._tcp.local' };
const srv: OutRecord = { name, type: 'SRV', ttl: 120, data: { port: 6631, target: hostName } };
const txt: OutRecord = { name, type: 'TXT', ttl: 4500, data: [Buffer.from('v=1')] };
const address = (data: string): OutRecord => ({
  name: hostName,
  type: data.includes(':') ? 'AAAA' : 'A',
  ttl: 120,
  data,
});

describe('what leaves a card', () => {
  test('names the addresses of this card alone', () => {
    const packet = {
      answers: [ptr, srv, address('10.77.0.1'), address('10.78.0.1'), address('fd77::1'), address('fd78::1')],
      additionals: [],
    };
    const [out] = corrected(packet, card, hostName);
    expect(out?.answers.filter(({ type }) => type.startsWith('A')).map(({ data }) => data)).toEqual([
      '10.77.0.1',
      'fd77::1',
    ]);
  });

  test('flushes what is ours alone, never shared records, and believes no 8 hours', () => {
    const [out] = corrected({ answers: [ptr, srv, txt, address('10.77.0.1')], additionals: [] }, card, hostName);
    expect(out?.answers.map(({ type, flush, ttl }) => [type, flush, ttl])).toEqual([
      ['PTR', false, 4500],
      ['SRV', true, 120],
      ['TXT', true, 4500],
      ['A', true, 120],
    ]);
  });

  test('a goodbye ends the instance, not the host nor the list of types', () => {
    const all = [ptr, types, srv, txt, address('10.77.0.1')].map((record) => Object.assign({}, record, { ttl: 0 }));
    const [out] = corrected({ answers: all, additionals: [] }, card, hostName);
    expect(out?.answers.map(({ type, ttl }) => [type, ttl])).toEqual([
      ['PTR', 0],
      ['SRV', 0],
      ['TXT', 0],
    ]);
  });

  test('adds the addresses that bonjour-service leaves out on loopback', () => {
    const [out] = corrected({ answers: [ptr, srv], additionals: [] }, card, hostName);
    expect(out?.additionals).toEqual(hostRecords(card, hostName));
  });

  test('forty services go in packets that fit a frame, none lost', () => {
    const many = Array.from({ length: 40 }, (_, at) => ({
      ...ptr,
      data: `${'x'.repeat(50)}${at}._nethood._tcp.local`,
    }));
    const packets = corrected({ answers: many, additionals: many.slice(0, 30) }, card, hostName);
    expect(packets.flatMap(({ answers }) => answers)).toHaveLength(40);
    expect(packets.length).toBeGreaterThan(2);
    for (const { answers, additionals } of packets) expect(answers.length + additionals.length).toBeLessThanOrEqual(14);
  });

  test('nothing to say is no packet', () => {
    expect(corrected({ answers: [{ ...types, ttl: 0 }], additionals: [] }, card, hostName)).toEqual([]);
  });
});

describe('the pace of answers', () => {
  test('twenty askers at once get one answer, 20 to 120 ms later; the next comes a second after it', () => {
    vi.useFakeTimers();
    try {
      using pace = new AnswerPace({ clock: systemClock, random: () => 0.5 });
      const answered: number[] = [];
      const start = Date.now();
      const ask = (): void => pace.ask('_nethood._tcp.local', () => answered.push(Date.now() - start));
      for (let at = 0; at < 20; at++) ask();
      vi.advanceTimersByTime(500);
      for (let at = 0; at < 20; at++) ask();
      vi.advanceTimersByTime(5_000);
      ask();
      vi.advanceTimersByTime(5_000);
      expect(answered).toEqual([70, 1_070, 5_570]);
    } finally {
      vi.useRealTimers();
    }
  });
});

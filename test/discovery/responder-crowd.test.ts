/** Where many answer one question: slower, so that all answers fit on the link, and no slower than needed. */
import { expect, test } from 'vitest';
import { nameKey } from '../../agent/discovery/dns-name.ts';
import {
  ask,
  askUnicast,
  carrying,
  own,
  type Packet,
  query,
  type ResponderHost,
  ResponderLan,
  service,
} from '../sim/responder-lan.ts';

const type = ['_nethood', '_tcp', 'local'];
const instance = ['Anna', ...type];
const printers = ['_ipp', '_tcp', 'local'];

/** Announced and silent again, on a link where so many others offer the same. */
function among(others: number, seed = 1): { lan: ResponderLan; host: ResponderHost; since: number } {
  const lan = new ResponderLan(seed);
  const host = lan.host({ deps: { othersWith: (name) => (name === nameKey(type) ? others : 0) } });
  host.set(own([service('Anna'), service('Laser', '_ipp')]));
  lan.run(20_000);
  return { lan, host, since: lan.now };
}

/** How long after a question each of 100 such responders answers. */
function delays(others: number): { least: number; most: number } {
  const all = Array.from({ length: 100 }, (_, seed) => {
    const { lan, host, since } = among(others, seed);
    lan.inject(query([ask('PTR', ...type)]));
    lan.run(10_000);
    const packets = lan.sentBy(host, since);
    expect(packets).toHaveLength(1);
    return (packets[0]?.at ?? Infinity) - since;
  });
  return { least: Math.min(...all), most: Math.max(...all) };
}

function targets(packets: readonly Packet[]): (string | undefined)[] {
  return packets.map(({ to }) => to?.address);
}

test('among twenty others an answer comes after 20 to 120 ms, as among none', () => {
  const { least, most } = delays(20);
  expect(least).toBeGreaterThanOrEqual(20);
  expect(most).toBeLessThan(121.2);
});

test('among a hundred it comes within half a second, among 500 within 2.5 s, and no later among 100,000', () => {
  expect(delays(96).most).toBeLessThanOrEqual(501.2);
  for (const others of [500, 100_000]) {
    const { least, most } = delays(others);
    expect(least).toBeLessThan(150);
    expect(most).toBeGreaterThan(2_000);
    expect(most).toBeLessThan(2_500);
  }
});

test('500 who answer one question do not send more than 250 packets in any second', () => {
  const times = Array.from({ length: 500 }, (_, seed) => {
    const { lan, host, since } = among(500, seed);
    lan.inject(query([ask('PTR', ...type)]));
    lan.run(3_000);
    return lan.sentBy(host, since).map(({ at }) => at - since);
  }).flat();
  expect(times).toHaveLength(500);
  for (const begin of times)
    expect(times.filter((at) => at >= begin && at < begin + 1_000).length).toBeLessThanOrEqual(250);
});

test('among 500, one multicast each 2.5 s serves all who keep asking, none of whom waits longer', () => {
  const { lan, host, since } = among(500);
  for (let at = 0; at < 10_000; at += 20) {
    lan.inject(query([ask('PTR', ...type)]), { from: `10.0.0.${100 + (at % 100)}` });
    lan.run(20);
  }
  lan.run(3_000);
  const times = [since, ...carrying(lan.sentBy(host, since), 'PTR', ...type).map(({ at }) => at)];
  expect(times.length).toBeGreaterThanOrEqual(5);
  expect(times.length).toBeLessThanOrEqual(6);
  for (const [which, at] of times.slice(2).entries()) {
    expect(at - (times[which + 1] ?? 0)).toBeGreaterThanOrEqual(2_499.9);
    expect(at - (times[which + 1] ?? 0)).toBeLessThan(2_600);
  }
});

test('what is ours alone, or what few others offer, is answered as fast as ever', () => {
  const { lan, host, since } = among(500);
  lan.inject(query([ask('SRV', ...instance)]));
  lan.run(5);
  expect(carrying(lan.sentBy(host, since), 'SRV', ...instance)).toHaveLength(1);
  lan.inject(query([ask('PTR', ...printers)]));
  lan.run(125);
  expect(carrying(lan.sentBy(host, since), 'PTR', ...printers)).toHaveLength(1);
});

test('asked for with something that leaves sooner, it leaves with that', () => {
  const { lan, host, since } = among(500);
  lan.inject(query([ask('PTR', ...type), ask('PTR', ...printers)]));
  lan.run(125);
  const packets = lan.sentBy(host, since);
  expect(packets).toHaveLength(1);
  expect(carrying(packets, 'PTR', ...type)).toHaveLength(1);
});

test('one who asks to be answered alone is; for two it is said to all, once', () => {
  const { lan, host, since } = among(500);
  lan.inject(query([askUnicast('PTR', ...type)]), { from: '10.0.0.91' });
  lan.run(3_000);
  expect(targets(lan.sentBy(host, since))).toEqual(['10.0.0.91']);
  const again = lan.now;
  lan.inject(query([askUnicast('PTR', ...type)]), { from: '10.0.0.91' });
  lan.inject(query([askUnicast('PTR', ...type)]), { from: '10.0.0.92' });
  lan.run(3_000);
  const packets = lan.sentBy(host, again);
  expect(targets(packets).at(-1)).toBeUndefined();
  expect(targets(packets).filter((to) => to === undefined)).toHaveLength(1);
  expect(packets.length).toBeLessThanOrEqual(2);
});

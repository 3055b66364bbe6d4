import { describe, expect, test } from 'vitest';
import { OwnPackets } from '../../agent/discovery/engine-own-packets.ts';

const packet = (text: string): Uint8Array => new TextEncoder().encode(text);
const ours = new Set(['10.0.0.1', 'fe80::1']);

describe('our own packets', () => {
  test('are known when the group brings them back, once on each link', () => {
    const own = new OwnPackets();
    own.sent(packet('query'), ours, 0);
    expect(own.isEcho(packet('query'), '10.0.0.1', 'eth0 4', 1)).toBe(true);
    expect(own.isEcho(packet('query'), '10.0.0.1', 'wlan0 4', 2)).toBe(true);
    expect(own.isEcho(packet('query'), '10.0.0.1', 'eth0 4', 3)).toBe(false);
  });

  test('are not taken for the same words of another agent on this PC', () => {
    const own = new OwnPackets();
    expect(own.isEcho(packet('query'), '10.0.0.1', 'eth0 4', 0)).toBe(false);
    own.sent(packet('query'), ours, 1);
    own.sent(packet('query'), ours, 2);
    const heard = [3, 4, 5].map((now) => own.isEcho(packet('query'), '10.0.0.1', 'eth0 4', now));
    expect(heard).toEqual([true, true, false]);
  });

  test('are forgotten after two seconds, and never from another card', () => {
    const own = new OwnPackets();
    own.sent(packet('query'), ours, 0);
    expect(own.isEcho(packet('query'), '10.1.0.1', 'eth1 4', 1)).toBe(false);
    expect(own.isEcho(packet('query'), '10.0.0.1', 'eth0 4', 2_001)).toBe(false);
  });

  test('take little memory, however many are sent', () => {
    const own = new OwnPackets();
    for (let n = 0; n < 100_000; n++) own.sent(packet(`packet ${n}`), ours, n);
    expect(own.size).toBeLessThan(5_000);
  });
});

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { type Log, silentLog } from '../../agent/base/log.ts';
import { type GateLimits, SocketGate } from '../../agent/peers/socket-gate.ts';

const wide: GateLimits = {
  perAddress: 1000,
  total: 1000,
  newOfOne: { burst: 1000, perSecond: 1 },
  newOfAll: { burst: 1000, perSecond: 1 },
};

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string | undefined;
  destroyed = false;

  constructor(remoteAddress: string | undefined) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function gateWith(limits: Partial<GateLimits>, log: Log = silentLog) {
  let now = 0;
  const gate = new SocketGate({ limits: { ...wide, ...limits }, clock: { ...systemClock, now: () => now }, log });
  const enter = (address: string | undefined): FakeSocket | undefined => {
    const socket = new FakeSocket(address);
    const admitted = gate.admit(socket as unknown as Socket);
    expect(socket.destroyed).toBe(!admitted);
    return admitted ? socket : undefined;
  };
  return { gate, enter, pass: (ms: number): void => void (now += ms) };
}

describe('the gate', () => {
  test('caps the sockets of each address, in whatever way it is written', () => {
    const { enter, gate } = gateWith({ perAddress: 2 });
    const first = enter('::ffff:10.0.0.1');
    expect(enter('10.0.0.1')).toBeDefined();
    expect(enter('10.0.0.1')).toBeUndefined();
    expect(enter('10.0.0.2')).toBeDefined();
    expect(enter('fe80::1%eth0')).toBeDefined();
    expect(enter('fe80::1%eth0')).toBeDefined();
    expect(enter('fe80::1%eth1')).toBeUndefined();
    expect(gate.open).toBe(5);
    first?.destroy();
    expect(enter('10.0.0.1')).toBeDefined();
  });

  test('caps all sockets together', () => {
    const { enter, gate } = gateWith({ total: 3 });
    for (const last of [1, 2, 3]) expect(enter(`10.0.0.${last}`)).toBeDefined();
    expect(enter('10.0.0.4')).toBeUndefined();
    expect(gate.open).toBe(3);
  });

  test('lets one address connect only so often, and others meanwhile', () => {
    const { enter, pass } = gateWith({ newOfOne: { burst: 2, perSecond: 4 } });
    enter('10.0.0.1')?.destroy();
    enter('10.0.0.1')?.destroy();
    expect(enter('10.0.0.1')).toBeUndefined();
    expect(enter('10.0.0.2')).toBeDefined();
    pass(200);
    expect(enter('10.0.0.1')).toBeUndefined();
    pass(50);
    expect(enter('10.0.0.1')).toBeDefined();
  });

  test('lets all addresses together connect only so often', () => {
    const { enter, pass } = gateWith({ newOfAll: { burst: 2, perSecond: 1 } });
    expect(enter('10.0.0.1')).toBeDefined();
    expect(enter('10.0.0.2')).toBeDefined();
    expect(enter('10.0.0.3')).toBeUndefined();
    pass(1000);
    expect(enter('10.0.0.3')).toBeDefined();
  });

  test('refuses a socket that has closed already', () => {
    expect(gateWith({}).enter(undefined)).toBeUndefined();
  });

  test('keeps its limits while thousands of addresses pass by', () => {
    const { enter, pass } = gateWith({ total: 10_000, newOfAll: { burst: 10_000, perSecond: 1000 }, perAddress: 1 });
    const held = enter('10.1.1.1');
    for (let n = 0; n < 5000; n++) enter(`10.2.${n >> 8}.${n & 255}`)?.destroy();
    pass(10_000);
    for (let n = 0; n < 5000; n++) enter(`10.3.${n >> 8}.${n & 255}`)?.destroy();
    expect(held).toBeDefined();
    expect(enter('10.1.1.1')).toBeUndefined();
  });

  test('says at most once in ten seconds that it refuses, and how often', () => {
    const warn = vi.fn();
    const { enter, pass } = gateWith({ perAddress: 1 }, { ...silentLog, warn });
    enter('10.0.0.1');
    for (let n = 0; n < 50; n++) enter('10.0.0.1');
    expect(warn).toHaveBeenCalledTimes(1);
    pass(10_000);
    enter('10.0.0.1');
    expect(warn).toHaveBeenLastCalledWith({ address: '10.0.0.1', refused: 50 }, expect.any(String));
  });
});

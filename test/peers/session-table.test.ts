import { describe, expect, it } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import { Emitter } from '../../agent/base/emitter.ts';
import { crossingMs, newcomerStays } from '../../agent/peers/session-pair.ts';
import { Session } from '../../agent/peers/session.ts';
import { SessionTable } from '../../agent/peers/session-table.ts';
import type { PeerSocket, PeerSocketEvents } from '../../agent/peers/peer-socket.ts';
import type { BootId, DeviceId } from '../../protocol/ids.ts';
import { closeCodes, type Hello } from '../../protocol/peer.ts';
import { noResources } from '../../protocol/resources.ts';
import { bootId, deviceId, deviceIds, noHandlers } from '../sim/agent.ts';
import { SimClock } from '../sim/clock.ts';

const [small, large] = deviceIds(2) as [DeviceId, DeviceId];

function hello(id: DeviceId, boot: BootId): Hello {
  const protocol = { min: 1, max: 1 };
  return {
    type: 'hello',
    protocol,
    features: [],
    boot,
    device: { id, name: 'pc' },
    port: 6631,
    resources: noResources,
  };
}

/** A socket that the test speaks on. */
class Line implements PeerSocket {
  readonly events = new Emitter<PeerSocketEvents>();
  readonly address: string = '10.0.0.9';
  readonly localAddress = '10.0.0.1';
  readonly bufferedBytes = 0;
  readonly id: DeviceId;
  readonly dialled: boolean;
  closed: number | undefined;

  constructor(id: DeviceId, dialled: boolean) {
    this.id = id;
    this.dialled = dialled;
  }

  send(): void {
    // What we say is of no interest here.
  }

  close(code: number): void {
    this.closed = code;
  }

  greet(boot: BootId = bootId(1)): void {
    this.events.emit('message', JSON.stringify(hello(this.id, boot)));
  }
}

function openTable(self: DeviceId): { sessions: SessionTable; news: string[] } {
  const clock = new SimClock();
  const sessions = new SessionTable({
    self,
    log: silentLog,
    isBlocked: () => false,
    open: (socket) =>
      new Session(socket, 'pc', {
        clock,
        log: silentLog,
        handlers: noHandlers,
        hello: hello(self, bootId(7)),
        asker: () => ({ kind: 'owner' }),
      }),
  });
  const news: string[] = [];
  for (const name of ['ready', 'lost', 'failed'] as const) sessions.events.on(name, () => news.push(name));
  return { sessions, news };
}

describe('of two sessions of a pair', () => {
  it('both sides keep the same one, whichever was ready first at either', () => {
    for (const orders of [0, 1, 2, 3]) {
      const kept = [small, large].map((self, side) => {
        const peer = self === small ? large : small;
        // Named by who dialled it.
        const lines = { small: new Line(peer, self === small), large: new Line(peer, self === large) };
        const { sessions } = openTable(self);
        sessions.adopt(lines.small);
        sessions.adopt(lines.large);
        const smallFirst = (orders & (1 << side)) === 0;
        const order = smallFirst ? [lines.small, lines.large] : [lines.large, lines.small];
        for (const line of order) line.greet();
        return [lines.small.closed, lines.large.closed];
      });
      expect(kept).toEqual([
        [undefined, closeCodes.replaced],
        [undefined, closeCodes.replaced],
      ]);
    }
  });

  it('the newer stays where one side dialled both: it had given up the first', () => {
    for (const dialled of [true, false]) {
      const boot = bootId(1);
      const pair = { self: small, peer: large, ahead: 0 };
      expect(newcomerStays(pair, { boot, dialled }, { boot, dialled })).toBe(true);
    }
  });

  it('that of a new boot stays, whoever dialled it', () => {
    for (const [was, is] of [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ] as const) {
      const rivals = [
        { boot: bootId(1), dialled: was },
        { boot: bootId(2), dialled: is },
      ] as const;
      expect(newcomerStays({ self: small, peer: large, ahead: 0 }, ...rivals)).toBe(true);
      expect(newcomerStays({ self: large, peer: small, ahead: 0 }, ...rivals)).toBe(true);
    }
  });

  it('the newer stays where it was dialled long after the first stood: nobody dials whom it has a session with', () => {
    const boot = bootId(1);
    for (const dialled of [true, false]) {
      const rivals = [
        { boot, dialled },
        { boot, dialled: !dialled },
      ] as const;
      expect(newcomerStays({ self: small, peer: large, ahead: crossingMs - 1 }, ...rivals)).toBe(!dialled);
      expect(newcomerStays({ self: small, peer: large, ahead: crossingMs }, ...rivals)).toBe(true);
    }
  });
});

describe('a session that the other side replaced', () => {
  it('is not lost while its successor still greets', () => {
    const { sessions, news } = openTable(small);
    const [first, second] = [new Line(large, false), new Line(large, true)];
    sessions.adopt(first);
    first.greet();
    sessions.adopt(second);
    first.events.emit('close', closeCodes.replaced, '');
    expect(news).toEqual(['ready']);
    second.greet();
    expect(news).toEqual(['ready', 'ready']);
  });

  it('is lost when that successor fails', () => {
    const { sessions, news } = openTable(small);
    const [first, second] = [new Line(large, false), new Line(large, true)];
    sessions.adopt(first);
    first.greet();
    sessions.adopt(second);
    first.events.emit('close', closeCodes.replaced, '');
    second.events.emit('close', 1006, '');
    expect(news).toEqual(['ready', 'lost', 'failed']);
    expect(sessions.all()).toEqual([]);
  });
});

it('four sockets of one device may greet at once, and a thousand sessions stand; the next is turned away', () => {
  const { sessions } = openTable(small);
  const lines = Array.from({ length: 5 }, () => new Line(large, false));
  expect(lines.map((line) => sessions.adopt(line) !== undefined)).toEqual([true, true, true, true, false]);
  expect(lines[4]?.closed).toBe(closeCodes.goingAway);
  for (const line of lines.slice(0, 4)) line.greet();
  for (let index = 1; index < 1_000; index++) {
    const line = new Line(deviceId(10_000 + index), false);
    sessions.adopt(line);
    line.greet();
  }
  expect(sessions.all()).toHaveLength(1_000);
  expect(sessions.adopt(new Line(deviceId(99_999), false))).toBeUndefined();
  // Whoever has a session may renew it.
  expect(sessions.adopt(new Line(large, false))).toBeDefined();
});

it('a device with our own key is turned away', () => {
  const line = new Line(small, false);
  expect(openTable(small).sessions.adopt(line)).toBeUndefined();
  expect(line.closed).toBe(closeCodes.badMessage);
});

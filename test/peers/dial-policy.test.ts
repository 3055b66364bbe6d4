import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dialLimits,
  dialStep,
  nextDialAt,
  noDials,
  type DialEvent,
  type DialState,
} from '../../agent/peers/dial-policy.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { deadlines } from '../../protocol/peer.ts';
import { deviceId, deviceIds } from '../sim/agent.ts';

const [small, middle, large] = deviceIds(3) as [DeviceId, DeviceId, DeviceId];

class Policy {
  state: DialState;
  now = 0;

  constructor(self: DeviceId) {
    this.state = noDials(self);
  }

  /** What it has us do, as text. */
  tell(event: Record<string, unknown> & { type: DialEvent['type'] }): string[] {
    const { state, effects } = dialStep(this.state, { random: 0, now: this.now, ...event } as DialEvent);
    this.state = state;
    return effects.map(({ type, id }) => `${type} ${id}`);
  }

  /** Ticks until it dials. */
  next(): { at: number; effects: string[] } | undefined {
    for (let at = nextDialAt(this.state, this.now); at !== Infinity; at = nextDialAt(this.state, this.now)) {
      this.now = at;
      const effects = this.tell({ type: 'tick' });
      if (effects.length > 0) return { at, effects };
    }
    return undefined;
  }

  seen(id: DeviceId, more: object = {}): string[] {
    return this.tell({ type: 'seen', id, fresh: true, proved: false, trusted: false, ...more });
  }
}

describe('who dials when', () => {
  it('the smaller at once, the larger after a second', () => {
    expect(new Policy(small).seen(large)).toEqual([`dial ${large}`]);
    const policy = new Policy(large);
    expect(policy.seen(small)).toEqual([]);
    expect(policy.next()).toEqual({ at: 1_000, effects: [`dial ${small}`] });
  });

  it('whom we remember from our last run, at once at both sides', () => {
    expect(new Policy(small).seen(large, { remembered: true })).toEqual([`dial ${large}`]);
    expect(new Policy(large).seen(small, { remembered: true })).toEqual([`dial ${small}`]);
  });

  it('whoever waits for it, at once in any case', () => {
    const policy = new Policy(large);
    policy.seen(small);
    expect(policy.tell({ type: 'wanted', id: small })).toEqual([`dial ${small}`]);
  });

  it('nobody who is dialled or connected already', () => {
    const policy = new Policy(small);
    policy.seen(large);
    expect(policy.seen(large)).toEqual([]);
    policy.tell({ type: 'connected', id: large, trusted: false });
    expect(policy.seen(large)).toEqual([]);
    expect(policy.tell({ type: 'wanted', id: large })).toEqual([]);
    expect(policy.next()).toBeUndefined();
  });

  it('a dial under way is abandoned when the other side was faster', () => {
    const policy = new Policy(small);
    policy.seen(large);
    expect(policy.tell({ type: 'connected', id: large, trusted: false })).toEqual([`abandon ${large}`]);
    expect(policy.tell({ type: 'failed', id: large })).toEqual([]);
    expect(policy.state.entries.get(large)?.phase).toBe('connected');
  });

  it('who was forgotten is not dialled, however its dial ends', () => {
    const policy = new Policy(small);
    policy.seen(large);
    expect(policy.tell({ type: 'forgotten', id: large })).toEqual([`abandon ${large}`]);
    policy.tell({ type: 'failed', id: large });
    expect(policy.state.entries.size).toBe(0);
  });
});

describe('back-off', () => {
  it('doubles from 1 to 60 s', () => {
    const policy = new Policy(small);
    policy.seen(large);
    const delays: number[] = [];
    for (let count = 0; count < 9; count++) {
      const failedAt = policy.now;
      policy.tell({ type: 'failed', id: large });
      delays.push((policy.next()?.at ?? 0) - failedAt);
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('leaves up to half of each delay to chance', () => {
    const policy = new Policy(small);
    policy.seen(large);
    policy.tell({ type: 'failed', id: large, random: 1 });
    expect(policy.next()?.at).toBe(500);
  });

  it('begins anew at a sighting with something new, but never within a second of the last try', () => {
    const policy = new Policy(small);
    policy.seen(large);
    for (let count = 0; count < 6; count++) {
      policy.tell({ type: 'failed', id: large });
      policy.next();
    }
    policy.tell({ type: 'failed', id: large });
    const failedAt = policy.now;
    policy.now += 100;
    expect(policy.seen(large, { fresh: false })).toEqual([]);
    expect(nextDialAt(policy.state, policy.now)).toBe(failedAt + 60_000);
    expect(policy.seen(large)).toEqual([]);
    expect(policy.next()?.at).toBe(failedAt + 1_000);
    policy.tell({ type: 'failed', id: large });
    expect(nextDialAt(policy.state, policy.now)).toBe(policy.now + 1_000);
  });

  it('ends at waking up', () => {
    const policy = new Policy(small);
    policy.seen(large);
    for (let count = 0; count < 6; count++) {
      policy.tell({ type: 'failed', id: large });
      policy.next();
    }
    policy.tell({ type: 'failed', id: large });
    expect(policy.tell({ type: 'woke' })).toEqual([`dial ${large}`]);
  });

  it('spares a session that was good: it is dialled again at once', () => {
    const policy = new Policy(small);
    policy.tell({ type: 'connected', id: large, trusted: false });
    policy.now = dialLimits.steadyMs;
    expect(policy.tell({ type: 'lost', id: large, kind: 'broken' })).toEqual([`dial ${large}`]);
  });

  it('a network that comes and goes is not waited for longer and longer: silence ends no session in less than a good one lasts', () => {
    expect(dialLimits.steadyMs).toBeLessThan(deadlines.pingAfter + deadlines.missedPings * deadlines.pingAnswer);
    const policy = new Policy(small);
    for (let cut = 0; cut < 5; cut++) {
      policy.tell({ type: 'connected', id: large, trusted: false });
      policy.now += dialLimits.steadyMs;
      expect(policy.tell({ type: 'lost', id: large, kind: 'broken' })).toEqual([`dial ${large}`]);
      policy.tell({ type: 'failed', id: large });
    }
  });

  it('does not hold back who has moved himself: nobody else knows, not even who would have dialled first', () => {
    const policy = new Policy(large);
    policy.tell({ type: 'connected', id: small, trusted: false });
    expect(policy.tell({ type: 'lost', id: small, kind: 'moved' })).toEqual([`dial ${small}`]);
  });

  it.each([
    ['a session that broke soon', 'broken', 0, 1_000],
    ['a goodbye', 'left', 40_000, 1_000],
    ['a refusal', 'refused', 40_000, 60_000],
  ])('holds after %s', (_, kind, lasted, delay) => {
    const policy = new Policy(small);
    policy.tell({ type: 'connected', id: large, trusted: false });
    policy.now = lasted;
    policy.tell({ type: 'lost', id: large, kind });
    expect(policy.next()?.at).toBe(lasted + delay);
  });
});

describe('limits', () => {
  it('16 dials are under way, 8 of them to strangers whose key nobody saw; those go last', () => {
    const policy = new Policy('2'.repeat(52) as DeviceId);
    const rumours = Array.from({ length: 20 }, (_, index) => deviceId(index));
    const proved = Array.from({ length: 20 }, (_, index) => deviceId(100 + index));
    expect(rumours.flatMap((id) => policy.seen(id))).toHaveLength(8);
    expect(proved.flatMap((id) => policy.seen(id, { proved: true }))).toHaveLength(8);
    policy.tell({ type: 'failed', id: rumours[0] });
    expect(policy.state.entries.get(proved[8] as DeviceId)?.phase).toBe('dialling');
    expect(policy.tell({ type: 'wanted', id: rumours[19] })).toEqual([]);
    expect(policy.tell({ type: 'failed', id: rumours[1] })).toEqual([`dial ${rumours[19]}`]);
  });

  it('beyond 200 sessions only the paired, the lately used and the wanted are dialled', () => {
    const policy = new Policy('2'.repeat(52) as DeviceId);
    for (let index = 0; index < 200; index++) policy.tell({ type: 'connected', id: deviceId(index), trusted: false });
    expect(policy.seen(deviceId(300), { proved: true })).toEqual([]);
    expect(policy.seen(deviceId(301), { proved: true, trusted: true })).toHaveLength(1);
    expect(policy.tell({ type: 'wanted', id: deviceId(300) })).toHaveLength(1);
    policy.tell({ type: 'used', id: deviceId(5) });
    policy.now = 60_000;
    expect(policy.tell({ type: 'lost', id: deviceId(5), kind: 'broken' })).toEqual([`dial ${deviceId(5)}`]);
  });

  it('hold in any order of events, nobody is dialled twice, and whoever is idle has a time', () => {
    const ids = Array.from({ length: 30 }, (_, index) => deviceId(index));
    const event = fc.record({
      type: fc.constantFrom('seen', 'wanted', 'used', 'connected', 'failed', 'lost', 'forgotten', 'woke', 'tick'),
      id: fc.constantFrom(...ids),
      fresh: fc.boolean(),
      proved: fc.boolean(),
      trusted: fc.boolean(),
      kind: fc.constantFrom('broken', 'left', 'refused'),
      random: fc.double({ min: 0, max: 1, noNaN: true }),
      wait: fc.nat(5_000),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const policy = new Policy(middle);
        const dialling = new Set<string>();
        for (const { wait, ...each } of events) {
          policy.now += wait;
          if (each.type === 'failed' || each.type === 'connected' || each.type === 'forgotten')
            dialling.delete(each.id);
          for (const effect of policy.tell(each)) {
            const [what, id = ''] = effect.split(' ');
            if (what === 'dial') expect(dialling.has(id)).toBe(false);
            if (what === 'dial') dialling.add(id);
          }
          expect(dialling.size).toBeLessThanOrEqual(dialLimits.underWay);
          for (const entry of policy.state.entries.values()) {
            expect(Number.isFinite(entry.dueAt)).toBe(true);
            expect(entry.dueAt).toBeLessThanOrEqual(policy.now + dialLimits.mostBackoffMs + dialLimits.otherSideMs);
          }
        }
      }),
    );
  });
});

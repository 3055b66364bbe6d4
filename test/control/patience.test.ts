import { describe, expect, it } from 'vitest';
import { Emitter } from '../../agent/base/emitter.ts';
import type { Neighbour, NeighbourEvents } from '../../agent/peers/neighbours.ts';
import { patiently } from '../../agent/control/patience.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { DeviceId } from '../../protocol/ids.ts';
import { SimClock } from '../sim/clock.ts';

const id = DeviceId.parse('a'.repeat(52));

function neighbourhood(clock: SimClock, lastSeenAgoMs: number) {
  let neighbour = { id, state: 'gone', lastSeen: clock.wall() - lastSeenAgoMs } as Neighbour;
  const events = new Emitter<NeighbourEvents>();
  const turn = (state: Neighbour['state']): void => {
    neighbour = { ...neighbour, state };
    events.emit('changed', neighbour);
  };
  return { clock, turn, neighbours: { events, find: () => neighbour } };
}

const unreachable = (): Promise<never> => Promise.reject(new NethoodError('unreachable', 'Anna cannot be reached.'));

const missing = (): Promise<never> => Promise.reject(new NethoodError('not-found', 'No.'));

describe('asking a neighbour that is away', () => {
  it('is answered when it comes back within 30 s', async () => {
    const clock = new SimClock();
    const hood = neighbourhood(clock, 1000);
    let back = false;
    const asked = patiently(hood, 'Anna', new AbortController().signal, () =>
      back ? Promise.resolve('here') : unreachable(),
    );
    await clock.advance(5000);
    back = true;
    hood.turn('ready');
    await clock.advance(10);
    await expect(asked).resolves.toBe('here');
  });

  it('gives up 30 s after the last byte from it', async () => {
    const clock = new SimClock();
    const hood = neighbourhood(clock, 1000);
    const asked = patiently(hood, 'Anna', new AbortController().signal, unreachable);
    const refused = expect(asked).rejects.toMatchObject({ code: 'unreachable' });
    await clock.advance(30_500);
    await refused;
  });

  it('gives up at once where it has been away for longer, and on errors that waiting cannot mend', async () => {
    const hood = neighbourhood(new SimClock(), 60_000);
    const { signal } = new AbortController();
    await expect(patiently(hood, 'Anna', signal, unreachable)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(patiently(neighbourhood(new SimClock(), 0), 'Anna', signal, missing)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('stops waiting when the user does', async () => {
    const clock = new SimClock();
    const stop = new AbortController();
    const asked = patiently(neighbourhood(clock, 0), 'Anna', stop.signal, unreachable);
    const stopped = expect(asked).rejects.toThrow();
    await clock.advance(1000);
    stop.abort();
    await stopped;
  });
});

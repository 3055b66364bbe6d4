import { describe, expect, it } from 'vitest';
import { type EndTurn, FairTurns } from '../../agent/files/fair-turns.ts';
import { SimClock } from '../sim/clock.ts';
import { never } from './files-support.ts';

/** A wire that carries one block at a time, in the order in which they come to it. */
class Wire {
  readonly carried: Record<string, number> = {};
  readonly #queue: { readonly asker: string; readonly taken: () => void }[] = [];

  send(asker: string): Promise<void> {
    return new Promise((taken) => void this.#queue.push({ asker, taken }));
  }

  carry(): void {
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.carried[next.asker] = (this.carried[next.asker] ?? 0) + 1;
    next.taken();
  }
}

async function sendForEver(turns: FairTurns, wire: Wire, asker: string): Promise<void> {
  let last = Promise.resolve();
  for (;;) {
    const end = await turns.begin(asker, never);
    await last;
    last = wire.send(asker).then(end);
  }
}

describe('turns', () => {
  it('give each asker the same, however many files it fetches', async () => {
    const turns = new FairTurns(new SimClock());
    const wire = new Wire();
    for (let file = 0; file < 16; file++) void sendForEver(turns, wire, 'anna');
    for (const asker of ['bob', 'bob', 'carl', 'carl']) void sendForEver(turns, wire, asker);
    for (let block = 0; block < 3000; block++) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      wire.carry();
    }
    const { anna = 0, bob = 0, carl = 0 } = wire.carried;
    for (const count of [anna, bob, carl]) expect(Math.abs(count - 1000)).toBeLessThan(100);
  });

  it('are not kept by a connection that takes nothing', async () => {
    const clock = new SimClock();
    const turns = new FairTurns(clock);
    await turns.begin('anna', never);
    await turns.begin('anna', never);
    let third: EndTurn | undefined;
    const waiting = turns.begin('anna', never).then((end) => (third = end));
    await clock.advance(240);
    expect(third).toBeUndefined();
    await turns.begin('bob', never);
    await clock.advance(20);
    await waiting;
    expect(third).toBeDefined();
  });

  it('go to the next where who waited has gone, and are ended once', async () => {
    const turns = new FairTurns(new SimClock());
    const end = await turns.begin('anna', never);
    const other = await turns.begin('anna', never);
    const gone = new AbortController();
    const left = turns.begin('anna', gone.signal);
    const next = turns.begin('anna', never);
    gone.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    end();
    end();
    (await next)();
    other();
    await Promise.all([turns.begin('anna', never), turns.begin('anna', never)]);
  });
});

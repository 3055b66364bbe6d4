import { beforeEach, describe, expect, it } from 'vitest';
import { Emitter } from '../../agent/base/emitter.ts';
import { folderChanges } from '../../agent/control/folder-changes.ts';
import type { Neighbour, NeighbourEvents } from '../../agent/peers/neighbours.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { DeviceId, ShareId } from '../../protocol/ids.ts';
import { noResources } from '../../protocol/resources.ts';
import { parseWirePath } from '../../protocol/wire-path.ts';
import { SimClock } from '../sim/clock.ts';

const id = DeviceId.parse('a'.repeat(52));
const folder = { neighbour: id, share: ShareId.parse('s'.repeat(26)), path: parseWirePath('docs') };

let clock: SimClock;
let neighbour: Neighbour;
let events: Emitter<NeighbourEvents>;
/** How each request for a watch ends; granted where none is left. */
let answers: NethoodError[];
let asked: number;
let looks: number;
let stop: AbortController;
let end: Promise<unknown>;

beforeEach(() => {
  clock = new SimClock();
  const known = { id, name: 'Anna', addresses: [], port: 1, trust: 'stranger', resources: noResources } as const;
  const features = new Set(['watch']);
  neighbour = { ...known, state: 'ready', features, problem: undefined, lastSeen: clock.wall() };
  events = new Emitter();
  [answers, asked, looks] = [[], 0, 0];
  stop = new AbortController();
});

function begin(): void {
  const neighbours = {
    events,
    get: () => neighbour,
    find: () => neighbour,
    request: (): Promise<never> => {
      asked++;
      const error = answers.shift();
      return error === undefined ? Promise.resolve({ leaseMs: 60_000 } as never) : Promise.reject(error);
    },
  };
  end = (async () => {
    for await (const _ of folderChanges({ neighbours, clock }, folder, stop.signal)) looks++;
  })().catch((error: unknown) => error);
}

/** Everything that can happen without more time has happened. */
async function settled(): Promise<void> {
  for (let round = 0; round < 50; round++) await new Promise((resolve) => setImmediate(resolve));
}

async function passed(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 250) {
    await clock.advance(Math.min(250, left));
    await settled();
  }
}

function turn(state: Neighbour['state']): void {
  neighbour = { ...neighbour, state };
  events.emit('changed', neighbour);
}

describe('the changes of a folder', () => {
  it('begin with one, when the watch stands', async () => {
    begin();
    await settled();
    expect([asked, looks]).toEqual([1, 1]);
  });

  it('are those of this folder alone', async () => {
    begin();
    await settled();
    events.emit('folder', id, { type: 'folder', share: folder.share, path: parseWirePath('other') });
    events.emit('folder', DeviceId.parse('b'.repeat(52)), { type: 'folder', ...folder });
    await settled();
    expect(looks).toBe(1);
    events.emit('folder', id, { type: 'folder', ...folder });
    await settled();
    expect(looks).toBe(2);
  });

  it('do not come of a renewed lease', async () => {
    begin();
    await settled();
    await passed(95_000);
    expect([asked, looks]).toEqual([4, 1]);
  });

  it('may have been missed while the neighbour was away', async () => {
    begin();
    await settled();
    turn('gone');
    await settled();
    expect(looks).toBe(1);
    turn('ready');
    await settled();
    expect([asked, looks]).toEqual([2, 2]);
  });

  it('come every ten seconds where the neighbour cannot watch, or no more folders', async () => {
    neighbour = { ...neighbour, features: new Set() };
    begin();
    await settled();
    await passed(20_000);
    expect([asked, looks]).toEqual([0, 3]);
    neighbour = { ...neighbour, features: new Set(['watch']) };
    answers = [new NethoodError('busy', 'This PC can watch no more folders at the moment.')];
    await passed(10_000);
    expect([asked, looks]).toEqual([1, 4]);
    await passed(10_000);
    await passed(10_000);
    expect([asked, looks]).toEqual([2, 4]);
  });

  it('wait for a neighbour that was there a moment ago, but not for ever', async () => {
    answers = [new NethoodError('interrupted', 'The session ended.'), new NethoodError('unreachable', 'It is away.')];
    begin();
    await settled();
    await passed(2_000);
    expect([asked, looks]).toEqual([3, 1]);
    answers = Array.from({ length: 1000 }, () => new NethoodError('unreachable', 'It is away.'));
    await passed(70_000);
    expect(await end).toMatchObject({ code: 'unreachable' });
  });

  it('end with the error that a listing would have', async () => {
    answers = [new NethoodError('not-found', 'There is no such folder.')];
    begin();
    expect(await end).toMatchObject({ code: 'not-found' });
  });

  it('end when nobody listens, and leave no listener behind', async () => {
    begin();
    await settled();
    stop.abort(new NethoodError('cancelled', 'Gone.'));
    expect(await end).toMatchObject({ code: 'cancelled' });
    events.emit('folder', id, { type: 'folder', ...folder });
    await settled();
    expect(looks).toBe(1);
  });
});

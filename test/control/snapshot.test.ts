import { describe, expect, it } from 'vitest';
import { NoticeBoard } from '../../agent/control/notices.ts';
import { eventLines } from '../../agent/control/events.ts';
import { SnapshotStore } from '../../agent/control/snapshot.ts';
import { applyEventLine, type EventLine, type Snapshot, type SnapshotSection } from '../../protocol/control.ts';
import { SimClock } from '../sim/clock.ts';
import { partsOf } from './fake-agent.ts';
import { job, neighbour, snapshot as sample, transfer } from './samples.ts';

function open(): {
  clock: SimClock;
  store: SnapshotStore;
  changes: Partial<Snapshot>[];
  computed: () => number;
  set: (change: Partial<Snapshot>) => void;
} {
  const clock = new SimClock();
  let snapshot = structuredClone(sample);
  let computed = 0;
  const parts = partsOf(() => {
    computed++;
    return snapshot;
  });
  const store = new SnapshotStore(parts, clock);
  const changes: Partial<Snapshot>[] = [];
  store.events.on('changed', (change) => void changes.push(change));
  const set = (change: Partial<Snapshot>): void => {
    snapshot = { ...snapshot, ...structuredClone(change) };
    store.touch(...(Object.keys(change) as SnapshotSection[]));
  };
  return { clock, store, changes, computed: () => computed, set };
}

const progress = (bytes: number): Partial<Snapshot> => ({ transfers: [{ ...transfer, bytes }] });

describe('the snapshot', () => {
  it('tells the sections that changed, together, soon', async () => {
    const { clock, changes, set } = open();
    set({ paused: true });
    set({ neighbours: [] });
    expect(changes).toEqual([]);
    await clock.advance(20);
    expect(changes).toEqual([{ paused: true, neighbours: [] }]);
  });

  it('shows a change before it is told', () => {
    const { store, set } = open();
    set({ paused: true });
    expect(store.current().paused).toBe(true);
  });

  it('tells nothing where a section is deeply the same, or came back to what was told', async () => {
    const { clock, changes, set } = open();
    set({ neighbours: [{ ...neighbour }], shares: structuredClone(sample.shares) });
    set({ paused: true });
    set({ paused: false });
    await clock.advance(1000);
    expect(changes).toEqual([]);
  });

  it('computes a section once for many touches', async () => {
    const { clock, computed, set } = open();
    const before = computed();
    for (let i = 0; i < 1000; i++) set({ neighbours: [] });
    await clock.advance(20);
    expect(computed() - before).toBe(1);
  });

  it.each([
    ['transfers', progress],
    ['jobs', (bytes: number): Partial<Snapshot> => ({ jobs: [{ ...job, bytes }] })],
  ] as const)(
    'tells %s at most four times a second, the last state included, and the rest without waiting for them',
    async (section, step) => {
      const { clock, changes, computed, set } = open();
      const before = computed();
      for (let i = 1; i <= 100; i++) {
        set(step(i));
        await clock.advance(10);
      }
      set({ paused: true });
      await clock.advance(20);
      expect(changes.at(-1)).toMatchObject({ paused: true });
      await clock.advance(1000);
      const told = changes.filter((change) => change[section] !== undefined);
      expect(told.length).toBeGreaterThanOrEqual(4);
      expect(told.length).toBeLessThanOrEqual(5);
      expect(told.at(-1)?.[section]?.[0]?.bytes).toBe(100);
      // `paused` is one more; what is not told is not computed.
      expect(computed() - before).toBe(told.length + 1);
    },
  );

  it('tells nothing more when it is disposed', async () => {
    const { clock, changes, store, set } = open();
    set({ paused: true });
    store[Symbol.dispose]();
    set({ paused: false });
    await clock.advance(1000);
    expect(changes).toEqual([]);
  });
});

describe('events', () => {
  it('give what changed while the reader was away as one change', async () => {
    const { clock, store, set } = open();
    const ending = new AbortController();
    const lines = eventLines({ store, clock }, ending.signal);
    expect((await lines.next()).value).toEqual({ type: 'snapshot', snapshot: sample });
    for (let i = 0; i < 50; i++) {
      set({ paused: i % 2 === 0, page: `turn ${i}` });
      await clock.advance(20);
    }
    expect((await lines.next()).value).toEqual({ type: 'change', sections: { paused: false, page: 'turn 49' } });
    const next = lines.next();
    ending.abort();
    expect((await next).done).toBe(true);
  });

  it('say alive after 15 s without a change, and stop listening in the end', async () => {
    const { clock, store } = open();
    const listeners = store.events.listenerCount('changed');
    const lines = eventLines({ store, clock }, new AbortController().signal);
    await lines.next();
    const next = lines.next();
    await clock.advance(14_999);
    await clock.advance(1);
    expect((await next).value).toEqual({ type: 'alive' });
    await lines.return();
    expect(store.events.listenerCount('changed')).toBe(listeners);
  });

  it('add up to the snapshot at the reader', () => {
    const lines: EventLine[] = [
      { type: 'change', sections: { paused: true } },
      { type: 'snapshot', snapshot: sample },
      { type: 'alive' },
      { type: 'change', sections: { paused: true, jobs: [] } },
    ];
    let held: Snapshot | undefined;
    for (const line of lines) held = applyEventLine(held, line);
    expect(held).toEqual({ ...sample, paused: true, jobs: [] });
  });
});

describe('notices', () => {
  it('are told once, replaced by a later one of the same matter, and gone when mended', () => {
    const board = new NoticeBoard();
    let told = 0;
    board.events.on('changed', () => void told++);
    board.raise('cups', 'unavailable', 'The print system is down.');
    board.raise('cups', 'unavailable', 'The print system is down.');
    expect(told).toBe(1);
    board.raise('cups', 'unavailable', 'The print system is still down.');
    board.raise('ports', 'no-port', 'Other ports.');
    expect(board.list().map(({ message }) => message)).toEqual(['The print system is still down.', 'Other ports.']);
    board.clear('cups');
    board.clear('cups');
    expect(board.list()).toHaveLength(1);
    expect(told).toBe(4);
  });

  it('stay few, however many parts complain', () => {
    const board = new NoticeBoard();
    for (let i = 0; i < 1000; i++) board.raise(`part ${i}`, 'internal', 'x'.repeat(10_000));
    expect(board.list().length).toBeLessThanOrEqual(50);
    expect(board.list()[0]?.message).toHaveLength(4096);
  });
});

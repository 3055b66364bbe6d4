import { describe, expect, test } from 'vitest';
import { AgentFile, calls, EventLine, Snapshot, streams } from '../../protocol/control.ts';
import { PrintQuery } from '../../protocol/print-order.ts';

const device = { id: 'a'.repeat(52), name: 'Ann' };
const snapshot = {
  device,
  version: '0.1.0',
  paused: false,
  ports: { loopback: 6630, peers: 6631, guests: null },
  page: null,
  shares: [],
  printers: [],
  neighbours: [],
  jobs: [],
  transfers: [],
  notices: [],
};

describe('the control API', () => {
  test('streams a snapshot, then changes of its sections, and signs of life', () => {
    expect(EventLine.parse({ type: 'snapshot', snapshot: { ...snapshot, later: 1 } })).toEqual({
      type: 'snapshot',
      snapshot,
    });
    expect(EventLine.parse({ type: 'change', sections: { paused: true, later: 1 } })).toEqual({
      type: 'change',
      sections: { paused: true },
    });
    expect(EventLine.safeParse({ type: 'change', sections: { paused: 'yes' } }).success).toBe(false);
    expect(EventLine.parse({ type: 'alive' })).toEqual({ type: 'alive' });
    expect(EventLine.safeParse({ type: 'other' }).success).toBe(false);
  });

  test('has no snapshot with a part missing', () => {
    for (const key of Object.keys(snapshot)) {
      const { [key as keyof typeof snapshot]: _, ...rest } = snapshot;
      expect(Snapshot.safeParse(rest).success, key).toBe(false);
    }
  });

  test('has calls with names that fit a URL, no two of them alike, and bodies that are objects', () => {
    const names = [...Object.keys(calls), ...Object.keys(streams)];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    for (const { request } of [...Object.values(calls), ...Object.values(streams)])
      for (const body of [null, [], 'x', 7]) expect(request.safeParse(body).success).toBe(false);
  });

  test('limits what it is told', () => {
    const { share, list, 'neighbour-forget': forget } = calls;
    expect(share.request.parse({ folder: '/srv', audience: ['ann'], later: 1 })).toEqual({
      folder: '/srv',
      audience: ['ann'],
    });
    expect(share.request.safeParse({ folder: 'x'.repeat(4097) }).success).toBe(false);
    expect(share.request.safeParse({ audience: [] }).success).toBe(false);
    expect(share.request.safeParse({ name: 'a/b' }).success).toBe(false);
    expect(list.request.safeParse({ neighbour: '', share: 's', path: '' }).success).toBe(false);
    expect(forget.request.safeParse({ neighbour: 'x'.repeat(257) }).success).toBe(false);
  });

  test('reads the number of copies from a query', () => {
    expect(PrintQuery.parse({ on: 'ann/laser', name: 'a.pdf', copies: '3' }).copies).toBe(3);
    expect(PrintQuery.parse({ on: 'ann/laser', name: 'a.pdf' }).copies).toBe(1);
    for (const copies of ['0', '1000', '1.5', 'x', ''])
      expect(PrintQuery.safeParse({ on: 'a', name: 'b', copies }).success).toBe(false);
  });

  test('is found by a file with a token of 256 bits', () => {
    const file = { pid: 1, url: 'http://127.0.0.1:6630', token: 'A'.repeat(43) };
    expect(AgentFile.parse(file)).toEqual(file);
    for (const bad of [
      { ...file, token: 'A'.repeat(42) },
      { ...file, url: 'nowhere' },
      { ...file, pid: 0 },
    ])
      expect(AgentFile.safeParse(bad).success).toBe(false);
  });
});

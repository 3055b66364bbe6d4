import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NeighbourView, PrinterView, ShareView, Snapshot, TransferView } from '../../protocol/control.ts';
import { JobId, JobUuid, QueueName } from '../../protocol/ids.ts';
import { RemotePrinter } from '../../protocol/resources.ts';
import { buildMenu } from '../../tray/menu.ts';
import type { MenuItem, MenuModel } from '../../tray/menu-model.ts';
import { aNeighbour, aPrinter, aShare, aSnapshot, aTransfer, deviceId, shareId } from './snapshots.ts';

function menuOf(change: Partial<Snapshot>): MenuModel {
  return buildMenu({ snapshot: aSnapshot(change), message: undefined });
}

function visiblePaths(items: readonly MenuItem[], prefix = ''): string[] {
  const paths: string[] = [];
  for (const item of items) {
    if (item.hidden || item.kind === 'separator') continue;
    paths.push(`${prefix}${item.title}`, ...visiblePaths(item.items, `${prefix}${item.title}/`));
  }
  return paths;
}

function find(model: MenuModel, path: string): MenuItem {
  const seek = (items: readonly MenuItem[], rest: string): MenuItem | undefined => {
    for (const item of items.filter(({ hidden }) => !hidden)) {
      if (item.title === rest) return item;
      const below = rest.startsWith(`${item.title}/`) ? seek(item.items, rest.slice(item.title.length + 1)) : undefined;
      if (below !== undefined) return below;
    }
    return undefined;
  };
  const found = seek(model.items, path);
  if (found === undefined) throw new Error(`no item ${path} in ${visiblePaths(model.items).join('; ')}`);
  return found;
}

const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
const shares: fc.Arbitrary<ShareView> = fc.record({ name: names }).map(({ name }) => Object.assign(aShare(), { name }));
const printers: fc.Arbitrary<PrinterView> = fc
  .record({ name: names, shared: fc.boolean(), local: fc.boolean() })
  .map((change) => Object.assign(aPrinter(), change));
const neighbours: fc.Arbitrary<NeighbourView> = fc
  .record({
    name: names,
    state: fc.constantFrom('found', 'connecting', 'ready', 'gone'),
    shares: fc.array(names, { maxLength: 20 }),
  })
  .map((change) =>
    Object.assign(aNeighbour(), {
      ...change,
      shares: change.shares.map((name) => ({ id: shareId('b'), name, rights: 'read' as const })),
    }),
  );
const transfers: fc.Arbitrary<TransferView> = fc
  .record({ state: fc.constantFrom('running', 'waiting', 'done', 'failed', 'cancelled'), source: names })
  .map((change) => Object.assign(aTransfer(), change));
const snapshots: fc.Arbitrary<Snapshot | undefined> = fc.option(
  fc
    .record({
      paused: fc.boolean(),
      shares: fc.array(shares, { maxLength: 20 }),
      printers: fc.array(printers, { maxLength: 20 }),
      neighbours: fc.array(neighbours, { maxLength: 30 }),
      transfers: fc.array(transfers, { maxLength: 12 }),
    })
    .map((change) => Object.assign(aSnapshot(), change)),
  { nil: undefined },
);

describe('for any snapshot the menu', { timeout: 60_000 }, () => {
  const shapeOf = (items: readonly MenuItem[]): unknown => items.map((item) => [item.kind, shapeOf(item.items)]);
  const empty = buildMenu({ snapshot: undefined, message: undefined });

  test('has the same items in the same places', () => {
    const shape = shapeOf(empty.items);
    fc.assert(
      fc.property(snapshots, fc.option(names, { nil: undefined }), (snapshot, message) => {
        expect(shapeOf(buildMenu({ snapshot, message }).items)).toEqual(shape);
      }),
      { numRuns: 200 },
    );
  });

  test('has an item between any two separators, none of them below the top and nothing to click in a parent', () => {
    const check = (items: readonly MenuItem[], depth: number): void => {
      for (const item of items) {
        if (depth > 0) expect(item.kind).toBe('item');
        if (item.items.length > 0) expect(item.action).toBeUndefined();
        if (item.action === undefined && item.items.length === 0 && item.kind === 'item')
          expect(item.enabled).toBe(false);
        check(item.items, depth + 1);
      }
    };
    fc.assert(
      fc.property(snapshots, (snapshot) => {
        const { items } = buildMenu({ snapshot, message: undefined });
        check(items, 0);
        const kinds = items.filter(({ hidden }) => !hidden).map(({ kind }) => kind);
        expect(kinds.at(0)).toBe('item');
        expect(kinds.at(-1)).toBe('item');
        expect(kinds.some((kind, at) => kind === 'separator' && kinds[at + 1] === 'separator')).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe('own shares', () => {
  test('a shared folder can be opened and its sharing stopped', () => {
    const model = menuOf({ shares: [aShare({ rights: 'write', audience: [deviceId('bob'), deviceId('eve')] })] });

    expect(find(model, 'Projects/For 2 devices, may change it').enabled).toBe(false);
    expect(find(model, 'Projects/Open folder').action).toEqual({
      kind: 'folder',
      show: { kind: 'open-folder', folder: '/home/anna/Projects' },
    });
    expect(find(model, 'Projects/Stop sharing').action).toEqual({
      kind: 'agent',
      ask: { kind: 'unshare', share: 'Projects' },
    });
  });

  test('the folder Public is offered only where nothing is shared', () => {
    expect(find(menuOf({}), 'Share a new folder “Public”').enabled).toBe(true);
    expect(visiblePaths(menuOf({ shares: [aShare()] }).items)).not.toContain('Share a new folder “Public”');
  });

  test('what does not fit is counted, with the command that shows all', () => {
    const many = Array.from({ length: 15 }, (_, at) => aShare({ name: `folder ${at}` }));
    expect(visiblePaths(menuOf({ shares: many }).items)).toContain('3 more: run “nethood shares”');
  });

  test('a printer is shared by a click on an empty box, and not any more by one on a ticked box', () => {
    const shared = aPrinter({ id: QueueName.parse('Ink'), name: 'Ink', shared: true, audience: 'colleagues' });
    const model = menuOf({ printers: [aPrinter(), shared] });

    expect(find(model, '☐ Laser').action).toEqual({ kind: 'agent', ask: { kind: 'printer-share', printer: 'Laser' } });
    expect(find(model, '☑ Ink, for colleagues').action).toEqual({
      kind: 'agent',
      ask: { kind: 'printer-unshare', printer: 'Ink' },
    });
  });

  test('printers that can never be shared, and those of neighbours, are not in the list', () => {
    const model = menuOf({
      printers: [aPrinter({ name: 'A', unshareable: 'It is a gateway.' }), aPrinter({ name: 'B', local: false })],
    });
    expect(visiblePaths(model.items).filter((path) => /[☐☑]/u.test(path))).toEqual([]);
  });
});

describe('neighbours', () => {
  test('those in reach come first, by name; those gone and blocked are left out', () => {
    const model = menuOf({
      neighbours: [
        aNeighbour({ name: 'pc 10', id: deviceId('b') }),
        aNeighbour({ name: 'away', id: deviceId('c'), state: 'gone' }),
        aNeighbour({ name: 'bad', id: deviceId('d'), trust: 'blocked' }),
        aNeighbour({ name: 'new', id: deviceId('e'), state: 'found' }),
        aNeighbour({ name: 'odd', id: deviceId('f'), state: 'connecting', problem: 'It speaks no version of ours.' }),
        aNeighbour({ name: 'pc 9', id: deviceId('g') }),
      ],
    });
    const paths = visiblePaths(model.items).filter((path) => !path.includes('/'));
    const from = paths.indexOf('Neighbours') + 1;
    expect(paths.slice(from, from + 4)).toEqual([
      'pc 9',
      'pc 10',
      'new (seen, not connected)',
      'odd (It speaks no version of ours.)',
    ]);
    expect(find(model, 'new (seen, not connected)').enabled).toBe(false);
  });

  test('a click on a folder fetches it, named by the full id of its owner', () => {
    expect(find(menuOf({ neighbours: [aNeighbour()] }), 'bob on pc-2/Fetch folder “Music”').action).toEqual({
      kind: 'agent',
      ask: { kind: 'get', neighbour: deviceId('bob'), share: 'Music' },
    });
  });

  test.each([
    [{ state: 'idle', stateReasons: ['none'], accepting: true }, 'ready'],
    [{ state: 'processing', stateReasons: ['none'], accepting: true }, 'printing'],
    [
      { state: 'stopped', stateReasons: ['media-jam-error', 'cover-open'], accepting: true },
      'stopped: media jam, cover open',
    ],
    [{ state: 'idle', stateReasons: ['toner-low-warning'], accepting: true }, 'toner low'],
    [{ state: 'idle', stateReasons: [], accepting: false }, 'takes no jobs'],
    [{ state: 'processing', stateReasons: ['none'], accepting: true, jobs: 3 }, 'printing, 3 jobs'],
    [
      {
        state: 'idle',
        stateReasons: ['none'],
        accepting: true,
        supplies: [
          { name: 'Black Toner', level: 8 },
          { name: 'Drum', level: 60 },
          { name: 'Waste', level: null },
        ],
      },
      'ready, Black Toner 8 %',
    ],
  ] as const)('a printer in state %j is shown as "%s"', (state, text) => {
    const id = QueueName.parse('Ink');
    const printer = RemotePrinter.parse({ id, name: 'Ink', ...state });
    const model = menuOf({ neighbours: [aNeighbour({ shares: [], printers: [printer] })] });
    expect(find(model, `bob on pc-2/Printer “Ink”: ${text}`).enabled).toBe(false);
  });
});

describe('what is under way', () => {
  test('transfers show how far they are, and can be cancelled or shown in their folder', () => {
    const model = menuOf({
      transfers: [
        aTransfer({ state: 'done', source: 'bob/Plans', bytes: 2_100_000 }),
        aTransfer({ bytesTotal: null, bytes: 999, rate: 0 }),
        aTransfer({ state: 'failed', source: 'bob/Big', error: { code: 'no-space', message: 'The disk is full.' } }),
        aTransfer({ state: 'cancelled', source: 'bob/Never' }),
      ],
    });
    const paths = visiblePaths(model.items);
    const from = paths.indexOf('Transfers and print jobs');
    expect(paths.slice(from + 1, from + 7)).toEqual([
      '↓ bob on pc-2/Music: 999 bytes, 0 bytes/s',
      '↓ bob on pc-2/Music: 999 bytes, 0 bytes/s/Cancel',
      '↓ bob/Big: failed',
      '↓ bob/Big: failed/The disk is full.',
      '↓ bob/Plans: done, 2.1 MB',
      '↓ bob/Plans: done, 2.1 MB/Show in folder',
    ]);
    expect(paths.join()).not.toContain('Never');
  });

  test('a document that was sent from here is followed, one that came from others is not', () => {
    const job = {
      id: JobId.parse(7),
      uuid: JobUuid.parse('urn:uuid:00000000-0000-4000-8000-000000000007'),
      printer: 'bob on pc-2/Ink',
      from: 'anna on pc-1',
      own: true,
      name: 'letter.pdf',
      state: 'pending' as const,
      stateReasons: [],
      message: 'The neighbour is not there.',
      pages: null,
      pagesTotal: null,
      expires: null,
      bytes: 1,
      created: '2026-01-01T00:00:00Z',
    };
    const model = menuOf({ jobs: [job, { ...job, id: JobId.parse(8), own: false, name: 'theirs.pdf' }] });
    expect(find(model, '⎙ letter.pdf on bob on pc-2/Ink: waiting/Cancel').action).toEqual({
      kind: 'agent',
      ask: { kind: 'job-cancel', job: 7 },
    });
    expect(find(model, '⎙ letter.pdf on bob on pc-2/Ink: waiting/The neighbour is not there.').enabled).toBe(false);
    expect(visiblePaths(model.items).join()).not.toContain('theirs.pdf');
    expect(find(model, '⎙ letter.pdf on bob on pc-2/Ink: waiting/Hold').action).toEqual({
      kind: 'agent',
      ask: { kind: 'job-hold', job: 7 },
    });
    const jobs = [
      { ...job, state: 'pending-held' as const },
      { ...job, name: 'book', state: 'processing' as const, pages: 3, pagesTotal: 10 },
    ];
    const later = menuOf({ jobs });
    expect(find(later, '⎙ letter.pdf on bob on pc-2/Ink: held/Print it now').action).toEqual({
      kind: 'agent',
      ask: { kind: 'job-release', job: 7 },
    });
    expect(find(later, '⎙ book on bob on pc-2/Ink: printing, page 3 of 10').enabled).toBe(true);
  });
});

describe('icon, tooltip and frame', () => {
  test('the icon tells the state; paused outranks busy', () => {
    expect(buildMenu({ snapshot: undefined, message: undefined }).icon).toBe('disconnected');
    expect(menuOf({}).icon).toBe('normal');
    expect(menuOf({ transfers: [aTransfer()] }).icon).toBe('busy');
    expect(menuOf({ transfers: [aTransfer({ state: 'waiting' })] }).icon).toBe('normal');
    expect(menuOf({ transfers: [aTransfer()], paused: true }).icon).toBe('paused');
  });

  test('the tooltip counts the neighbours in reach', () => {
    expect(menuOf({ neighbours: [aNeighbour(), aNeighbour({ state: 'gone' })] }).tooltip).toBe('nethood: 1 neighbour');
    expect(menuOf({ paused: true }).tooltip).toBe('nethood: 0 neighbours, sharing is paused');
  });

  test('without an agent there is the reason, the way out, and nothing that needs one', () => {
    expect(visiblePaths(buildMenu({ snapshot: undefined, message: undefined }).items)).toEqual([
      'nethood is not running',
      'Nothing is shared now',
      'Start it with “nethood start”',
      'Open my Nethood folder',
      'Quit',
    ]);
  });

  test('sharing is paused or resumed, whichever changes something', () => {
    expect(find(menuOf({}), 'Pause sharing').action).toEqual({ kind: 'agent', ask: { kind: 'pause' } });
    expect(find(menuOf({ paused: true }), 'Resume sharing').action).toEqual({ kind: 'agent', ask: { kind: 'resume' } });
  });

  test('notices and the fate of the last click stand at the top', () => {
    const snapshot = aSnapshot({ notices: [{ code: 'unavailable', part: 'printing', message: 'No print system.' }] });
    const paths = visiblePaths(buildMenu({ snapshot, message: 'The disk is full.' }).items);
    expect(paths.slice(0, 3)).toEqual(['anna on pc-1', 'The disk is full.', '⚠ No print system.']);
  });
});

import { expect, it, vi } from 'vitest';
import { announceOwn, type OwnDeps } from '../../agent/announce-own.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { Emitter } from '../../agent/base/emitter.ts';
import { silentLog } from '../../agent/base/log.ts';
import { NoticeBoard } from '../../agent/control/notices.ts';
import type { Announcement } from '../../agent/discovery/discovery.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { DeviceId } from '../../protocol/ids.ts';

const id = DeviceId.parse('k3q7x2mf'.repeat(7).slice(0, 52));

function office(open: (wanted: boolean) => Promise<void>) {
  const guests: { port: number | null } = { port: null };
  const announced: (readonly Announcement[])[] = [];
  const notices = new NoticeBoard();
  const printers = new Emitter<{ printers: [] }>();
  const renames = new Emitter<{ renamed: [] }>();
  const known = [{ local: true, audience: 'everyone' }];
  const portsChanged = vi.fn<() => void>();
  const deps = {
    id,
    name: () => 'me',
    peersPort: 6631,
    config: {
      events: new Emitter(),
      current: { paused: false, shares: [], printers: [{ queue: 'PDF', audience: 'everyone' }] },
    },
    shares: { events: new Emitter() },
    printing: { events: printers, printers: () => known },
    printerServices: (port: number) => [{ name: 'PDF', type: 'ipp', subtypes: [], port, txt: {} }],
    folderServices: (port: number) => [{ name: 'Docs', type: 'webdavs', subtypes: [], port, txt: {} }],
    guests: {
      get port() {
        return guests.port;
      },
      async setOpen(wanted: boolean) {
        await open(wanted);
        guests.port = wanted ? 6632 : null;
      },
    },
    neighbours: { resourcesChanged: () => undefined },
    discovery: {
      announce: (services: readonly Announcement[]) => {
        announced.push(services);
        return Promise.resolve();
      },
      renames,
    },
    notices,
    portsChanged,
    clock: systemClock,
    log: silentLog,
  } as unknown as OwnDeps;
  return { deps, guests, announced, notices, portsChanged, printers, renames, known };
}

it('a start with a printer for everyone says no more that there is no guests port', async () => {
  const { deps, guests, portsChanged, announced } = office(() => Promise.resolve());
  const own = await announceOwn(deps);
  expect(guests.port).toBe(6632);
  expect(portsChanged).toHaveBeenCalledTimes(1);
  await vi.waitFor(() => expect(announced[0]?.map(({ type }) => type)).toEqual(['nethood', 'ipp', 'webdavs']));
  await own[Symbol.asyncDispose]();
});

it('a print system that answers while the agent starts is waited for before the ports are told', async () => {
  const { deps, guests, printers, known } = office(() => Promise.resolve());
  const [pdf] = known.splice(0);
  const starting = announceOwn(deps);
  await vi.waitFor(() => expect(printers.listenerCount('printers')).toBe(2));
  if (pdf !== undefined) known.push(pdf);
  printers.emit('printers');
  const own = await starting;
  expect(guests.port).toBe(6632);
  await own[Symbol.asyncDispose]();
});

it('a guests port that is taken is a notice, and the agent is announced all the same', async () => {
  const { deps, notices, announced } = office(() => Promise.reject(new NethoodError('no-port', 'Port 6632 is taken.')));
  const own = await announceOwn(deps);
  expect(notices.list()).toEqual([{ part: 'guests', code: 'no-port', message: 'Port 6632 is taken.' }]);
  await vi.waitFor(() => expect(announced[0]?.map(({ type }) => type)).toEqual(['nethood']));
  await own[Symbol.asyncDispose]();
});

it('a rename after a conflict announces all anew: the texts of printers name the host', async () => {
  const { deps, announced, renames } = office(() => Promise.resolve());
  const own = await announceOwn(deps);
  await vi.waitFor(() => expect(announced).toHaveLength(1));
  renames.emit('renamed');
  await vi.waitFor(() => expect(announced).toHaveLength(2));
  await own[Symbol.asyncDispose]();
});

it('a folder for everyone opens the guests port as a printer does, and closes it with its end', async () => {
  const { deps, guests, known, announced } = office(() => Promise.resolve());
  known.splice(0);
  const { config } = deps as unknown as {
    config: { events: Emitter<{ changed: [] }>; current: { shares: { audience: string }[]; printers: unknown[] } };
  };
  config.current.printers = [];
  config.current.shares = [{ audience: 'colleagues' }];
  const own = await announceOwn(deps);
  expect(guests.port).toBeNull();
  config.current.shares = [{ audience: 'everyone' }];
  config.events.emit('changed');
  await vi.waitFor(() => expect(announced.at(-1)?.map(({ type }) => type)).toEqual(['nethood', 'ipp', 'webdavs']));
  expect(guests.port).toBe(6632);
  config.current.shares = [];
  config.events.emit('changed');
  await vi.waitFor(() => expect(guests.port).toBeNull());
  await own[Symbol.asyncDispose]();
});

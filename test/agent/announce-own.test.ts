import { expect, it, vi } from 'vitest';
import { announceOwn, type OwnDeps } from '../../agent/announce-own.ts';
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
  const portsChanged = vi.fn<() => void>();
  const deps = {
    id,
    name: () => 'me',
    peersPort: 6631,
    config: { events: new Emitter(), current: { paused: false } },
    shares: { events: new Emitter() },
    printing: { events: new Emitter(), printers: () => [{ local: true, audience: 'everyone' }] },
    printerServices: (port: number) => [{ name: 'PDF', type: 'ipp', subtypes: [], port, txt: {} }],
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
    },
    notices,
    portsChanged,
    log: silentLog,
  } as unknown as OwnDeps;
  return { deps, guests, announced, notices, portsChanged };
}

it('a start with a printer for everyone says no more that there is no guests port', async () => {
  const { deps, guests, portsChanged, announced } = office(() => Promise.resolve());
  const own = await announceOwn(deps);
  expect(guests.port).toBe(6632);
  expect(portsChanged).toHaveBeenCalledTimes(1);
  await vi.waitFor(() => expect(announced[0]?.map(({ type }) => type)).toEqual(['nethood', 'ipp']));
  await own[Symbol.asyncDispose]();
});

it('a guests port that is taken is a notice, and the agent is announced all the same', async () => {
  const { deps, notices, announced } = office(() => Promise.reject(new NethoodError('no-port', 'Port 6632 is taken.')));
  const own = await announceOwn(deps);
  expect(notices.list()).toEqual([{ part: 'guests', code: 'no-port', message: 'Port 6632 is taken.' }]);
  await vi.waitFor(() => expect(announced[0]?.map(({ type }) => type)).toEqual(['nethood']));
  await own[Symbol.asyncDispose]();
});

import { expect, it } from 'vitest';
import { Emitter } from '../../agent/base/emitter.ts';
import { NoticeBoard } from '../../agent/control/notices.ts';
import { createSnapshotSource, type SnapshotSourceDeps } from '../../agent/control/snapshot-source.ts';
import { type Config, defaultConfig } from '../../config/schema.ts';
import { type JobView, Snapshot } from '../../protocol/control.ts';
import { DeviceId, JobId } from '../../protocol/ids.ts';
import { SimClock } from '../sim/clock.ts';
import { annaId, job, ownId, printer, share, transfer } from './samples.ts';

const neighbour = {
  id: annaId,
  name: 'Anna',
  state: 'ready' as const,
  trust: 'stranger' as const,
  addresses: [{ address: '10.0.0.7' }],
  port: 6631,
  resources: { shares: [], printers: [] },
  features: new Set<string>(),
  problem: undefined,
  lastSeen: undefined,
};

function office() {
  const clock = new SimClock();
  const state: { config: Config; problem: string | undefined; jobs: JobView[]; guests: number | null } = {
    config: defaultConfig,
    problem: undefined,
    jobs: [job],
    guests: null,
  };
  const notices = new NoticeBoard();
  const list = [neighbour];
  const events = {
    config: new Emitter<{ changed: [Config] }>(),
    shares: new Emitter<{ changed: [] }>(),
    transfers: new Emitter<{ changed: [typeof transfer] }>(),
    printing: new Emitter<{ printers: []; job: [JobView] }>(),
    neighbours: new Emitter<{ changed: [typeof neighbour]; removed: [typeof annaId]; job: [] }>(),
  };
  const deps = {
    clock,
    config: {
      events: events.config,
      get current() {
        return state.config;
      },
      get problem() {
        return state.problem;
      },
    },
    shares: { events: events.shares, list: () => [share] },
    transfers: { events: events.transfers, list: () => [transfer] },
    printing: { events: events.printing, printers: () => [printer], jobs: () => state.jobs },
    neighbours: { events: events.neighbours, list: () => list },
    notices,
    version: '0.1.0',
    device: { id: ownId, defaultName: 'me on pc1' },
    ports: () => ({ loopback: 6630, peers: 6631, guests: state.guests }),
  } as unknown as SnapshotSourceDeps;
  const source = createSnapshotSource(deps);
  const changes: Partial<Snapshot>[] = [];
  source.store.events.on('changed', (change) => void changes.push(change));
  return { clock, state, notices, events, list, source, changes };
}

it('the snapshot of an agent fits the schema that the faces read it with', async () => {
  const { source } = office();
  await using _ = source;
  expect(Snapshot.parse(source.store.current())).toEqual(source.store.current());
  expect(source.store.current()).toMatchObject({ device: { id: ownId, name: 'me on pc1' }, page: null });
});

it('each event of a part reaches the section that it concerns', async () => {
  const { clock, state, notices, events, source, changes } = office();
  await using _ = source;
  const told = async (): Promise<Partial<Snapshot>> => {
    await clock.advance(500);
    return Object.assign({}, ...changes.splice(0)) as Partial<Snapshot>;
  };
  state.config = { ...defaultConfig, paused: true, name: 'New' };
  events.config.emit('changed', state.config);
  expect(await told()).toEqual({ device: { id: ownId, name: 'New' }, paused: true });
  state.problem = 'config.json, line 3: a comma is missing.';
  events.config.emit('changed', state.config);
  expect(await told()).toEqual({ notices: [{ code: 'config-invalid', part: 'config', message: state.problem }] });
  state.jobs = [{ ...job, state: 'completed' }];
  events.printing.emit('job', job);
  expect(await told()).toEqual({ jobs: state.jobs });
  notices.raise('cups', 'unavailable', 'The print system is down.');
  expect((await told()).notices).toHaveLength(2);
  state.guests = 6632;
  source.store.touch('ports');
  expect(await told()).toEqual({ ports: { loopback: 6630, peers: 6631, guests: 6632 } });
  events.neighbours.emit('changed', neighbour);
  events.neighbours.emit('removed', annaId);
  events.shares.emit('changed');
  events.transfers.emit('changed', transfer);
  events.printing.emit('printers');
  expect(await told(), 'nothing of it is another than before').toEqual({});
});

it('of many jobs the newest 500 are shown', async () => {
  const { state, events, source } = office();
  await using _ = source;
  state.jobs = Array.from({ length: 700 }, (_none, at) => ({ ...job, id: JobId.parse(at + 1) }));
  events.printing.emit('job', job);
  const { jobs } = source.store.current();
  expect([jobs.length, jobs[0]?.id, jobs.at(-1)?.id]).toEqual([500, 700, 201]);
});

it('neighbours come in the order of their names, not in that of their sessions', async () => {
  const named = (name: string, id: string): typeof neighbour => ({ ...neighbour, name, id: DeviceId.parse(id) });
  const { events, list, source } = office();
  list.push(named('Zoe', 'z'.repeat(52)), named('anna', 'b'.repeat(52)), named('anna', 'a'.repeat(52)));
  events.neighbours.emit('changed', neighbour);
  const seen = source.store.current().neighbours.map(({ name, id }) => `${name} ${id.charAt(0)}`);
  expect(seen).toEqual(['anna a', 'anna b', expect.stringMatching(/^Anna/), 'Zoe z']);
  await source[Symbol.asyncDispose]();
});

it('nothing listens to the parts any more when the source has ended', async () => {
  const { events, notices, source } = office();
  await source[Symbol.asyncDispose]();
  const left = [
    events.config.listenerCount('changed'),
    events.shares.listenerCount('changed'),
    events.transfers.listenerCount('changed'),
    events.printing.listenerCount('printers') + events.printing.listenerCount('job'),
    events.neighbours.listenerCount('changed') + events.neighbours.listenerCount('removed'),
    notices.events.listenerCount('changed'),
  ];
  expect(left).toEqual([0, 0, 0, 0, 0, 0]);
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NeighbourBackend } from '../../agent/printing/neighbour-backend.ts';
import type { Neighbour } from '../../agent/peers/neighbours.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import { DeviceId, QueueName } from '../../protocol/ids.ts';
import { documentOf, testPrintBackend, type PrintBackendSubject } from '../conformance/print-backend.ts';
import { until } from '../office/until.ts';
import { anna, annaId, FakeNeighbours, listenFront, memoryConfig, startPrinting } from './print-support.ts';
import { fastClock, ScriptedBackend, ScriptedDevice } from './scripted-device.ts';
import { Readable } from 'node:stream';

const laser = QueueName.parse('laser');
const bertaId = DeviceId.parse('d'.repeat(52));
const bytes = Buffer.from('%PDF-1.4\nfrom the neighbour\n');
const never = new AbortController().signal;

const berta = (change: Partial<Neighbour> = {}): Neighbour => ({
  id: bertaId,
  name: 'berta on desk',
  state: 'ready',
  trust: 'stranger',
  addresses: [],
  port: 6631,
  resources: {
    shares: [],
    printers: [
      { id: laser, name: 'Laser in room 1', state: 'idle', stateReasons: [], accepting: true, supplies: [], jobs: 0 },
    ],
  },
  features: new Set(['job-events']),
  problem: undefined,
  lastSeen: undefined,
  ...change,
});

interface Office extends PrintBackendSubject {
  readonly device: ScriptedDevice;
  /** Of the sender. */
  readonly neighbours: FakeNeighbours;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

/** Berta's printer behind her own spool and front, and the sender's way to it. */
async function office(sharedWith: 'everyone' | (typeof annaId)[] = [annaId]): Promise<Office> {
  const device = new ScriptedDevice();
  let endless = false;
  const cups = new ScriptedBackend(device, { clock: fastClock(), endless: () => endless });
  const config = memoryConfig({ printers: [{ queue: laser, audience: sharedWith }] });
  const atBertas = new FakeNeighbours();
  const printing = await startPrinting({ backends: { cups }, config, neighbours: atBertas });
  await until(() => printing.service.printers().length === 1, { what: 'the printer', withinMs: 5000, everyMs: 2 });
  let front = await listenFront(
    () => printing.service.ippRoute,
    () => anna,
  );
  const neighbours = new FakeNeighbours(`127.0.0.1:${front.port}`);
  neighbours.set(berta());
  // The session: what Berta's agent tells Anna's.
  atBertas.sendJobEvent = (_, event) => neighbours.events.emit('job', bertaId, event);
  return {
    backend: new NeighbourBackend({ neighbours, clock: fastClock(), device: bertaId }),
    queue: laser,
    document: { bytes, format: 'application/pdf' },
    printed: () => Promise.resolve([...device.jobs.values()].filter(({ state }) => state === 'completed').length),
    hold: () => Promise.resolve(void (endless = true)),
    holdsJobs: true,
    device,
    neighbours,
    goAway: async () => front[Symbol.asyncDispose](),
    comeBack: async () => {
      front = await listenFront(
        () => printing.service.ippRoute,
        () => anna,
      );
      neighbours.host = `127.0.0.1:${front.port}`;
    },
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await printing[Symbol.asyncDispose]();
    },
  };
}

testPrintBackend("A neighbour's printer", () => office());

const order = (on: string) => ({
  on,
  name: 'Letter',
  ticket: { copies: 2 },
  user: 'anna',
  document: Readable.from([bytes]),
});

describe("the outbox of a neighbour's printer", () => {
  let there: Office;
  beforeEach(async () => (there = await office()));
  afterEach(() => there[Symbol.asyncDispose]());

  const sender = () => startPrinting({ backends: {}, neighbours: there.neighbours, clock: fastClock() });

  test('prints there once, follows the job to its end, and calls it by the same uuid', async () => {
    await using here = await sender();
    const job = await here.service.print(order('berta on desk/laser'), never);
    expect(job).toMatchObject({ printer: 'berta on desk/laser', own: true, from: 'anna on berta on desk' });
    const states: string[] = [];
    for await (const { state } of here.service.watch(job.id, never)) states.push(state);
    expect(states.at(-1)).toBe('completed');
    expect([...there.device.printed]).toHaveLength(1);
    expect(there.device.arrivals).toEqual(['Letter']);
    expect(finalJobStates).toContain(here.service.jobs()[0]?.state);
  });

  test('keeps a job for a neighbour that went away, and prints it once it is back', async () => {
    await using here = await sender();
    await there.goAway();
    there.neighbours.set(berta({ state: 'gone', resources: { shares: [], printers: [] } }));
    const job = await here.service.print(order('berta on desk/Laser in room 1'), never);
    await until(() => here.service.jobs()[0]?.stateReasons.includes('nethood-unreachable'), {
      what: () => JSON.stringify(here.service.jobs()),
      withinMs: 5000,
      everyMs: 2,
    });
    await there.comeBack();
    there.neighbours.set(berta());
    await until(() => here.service.jobs()[0]?.state === 'completed', {
      what: () => JSON.stringify(here.service.jobs()),
      withinMs: 5000,
      everyMs: 2,
    });
    expect(there.device.arrivals).toEqual([job.name]);
  });

  test('a printer that was never seen, of a neighbour that is away, is said to be out of reach', async () => {
    there.neighbours.set(berta({ state: 'gone', resources: { shares: [], printers: [] } }));
    await using here = await sender();
    await expect(here.service.print(order('berta on desk/laser'), never)).rejects.toMatchObject({
      code: 'unreachable',
    });
  });

  test.each([
    ['laser', 'not-found'],
    ['nobody/laser', 'not-found'],
    ['berta on desk/ink', 'not-found'],
  ])('%s: %s', async (on, code) => {
    await using here = await sender();
    await expect(here.service.print(order(on), never)).rejects.toMatchObject({ code });
  });

  test('a document of no known format is refused before anything is sent', async () => {
    await using here = await sender();
    const document = Readable.from([Buffer.from([0, 1, 2, 3])]);
    await expect(here.service.print({ ...order('berta on desk/laser'), document }, never)).rejects.toMatchObject({
      code: 'bad-document',
    });
    expect(here.service.jobs()).toEqual([]);
  });

  test('asks by itself where the neighbour tells no news', async () => {
    there.neighbours.set(berta({ features: new Set() }));
    const document = documentOf({ document: { bytes, format: 'application/pdf' } });
    const { reference } = await there.backend.submit(laser, document, never);
    const states: string[] = [];
    for await (const { state } of there.backend.watch(laser, reference, never)) states.push(state);
    expect(states.at(-1)).toBe('completed');
  });
});

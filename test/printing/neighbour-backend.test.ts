import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { finalJobStates } from '../../protocol/resources.ts';
import { documentOf, testPrintBackend } from '../conformance/print-backend.ts';
import { until } from '../office/until.ts';
import { berta, bytes, laser, neighbourOffice, type Office } from './neighbour-office.ts';
import { startPrinting } from './print-support.ts';
import { fastClock } from './scripted-device.ts';
import { Readable } from 'node:stream';

const never = new AbortController().signal;

testPrintBackend("A neighbour's printer", () => neighbourOffice());

const order = (on: string) => ({
  on,
  name: 'Letter',
  ticket: { copies: 2 },
  user: 'anna',
  document: Readable.from([bytes]),
});

describe("the outbox of a neighbour's printer", () => {
  let there: Office;
  beforeEach(async () => (there = await neighbourOffice()));
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

import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConfigStore } from '../../config/config-store.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { PrinterView, JobView } from '../../protocol/control.ts';
import { QueueName } from '../../protocol/ids.ts';
import type { Queue } from '../../agent/printing/print-backend.ts';
import { until } from '../office/until.ts';
import { anna, annaId, guest, memoryConfig, startPrinting, type TestPrinting } from './print-support.ts';
import { fastClock, ScriptedBackend, ScriptedDevice } from './scripted-device.ts';

const never = new AbortController().signal;

/** A print system whose queues the test sets. */
class QueueBackend extends ScriptedBackend {
  queues: Partial<Queue>[] = [{}];
  down = false;
  asked = 0;

  override async list(): Promise<readonly Queue[]> {
    this.asked++;
    if (this.down) throw new NethoodError('unavailable', 'The print system does not answer.');
    const [queue] = await super.list();
    return this.queues.map((change) => Object.assign({}, queue, change));
  }
}

let cups: QueueBackend;
let config: ConfigStore;
let printing: TestPrinting;
let guestsPort: number | null;

beforeEach(async () => {
  cups = new QueueBackend(new ScriptedDevice(), { clock: fastClock() });
  config = memoryConfig();
  guestsPort = 6632;
  printing = await startPrinting({ backends: { cups }, config, clock: fastClock(), guestsPort: () => guestsPort });
  await see(() => printing.service.printers().length === 1);
});
afterEach(() => printing[Symbol.asyncDispose]());

function see(holds: () => boolean): Promise<unknown> {
  return until(holds, { what: () => JSON.stringify(printing.service.printers()), withinMs: 5000, everyMs: 2 });
}

const text = (words: string) => Readable.from([Buffer.from(words)]);

describe('sharing a printer', () => {
  test('nothing is shared until somebody asks for it', () => {
    expect(printing.service.printers()).toMatchObject([{ id: 'laser', local: true, shared: false, uri: null }]);
    expect(printing.service.visibleTo(anna)).toEqual([]);
  });

  test('shows it to its audience, tells its address, and is kept in the configuration', async () => {
    const view = await printing.service.share('Laser in room 1', 'everyone');
    expect(PrinterView.parse(view)).toMatchObject({
      shared: true,
      uri: 'ipp://nh-aaaaaaaa.local:6632/ipp/print/laser',
    });
    expect(config.current.printers).toEqual([{ queue: 'laser', audience: 'everyone' }]);
    expect(printing.service.visibleTo(guest)).toMatchObject([{ id: 'laser', name: 'Laser in room 1' }]);
    await printing.service.share('laser', [annaId]);
    expect(printing.service.visibleTo(guest)).toEqual([]);
    expect(printing.service.visibleTo(anna)).toHaveLength(1);
    expect(printing.service.printers()).toMatchObject([{ uri: null, audience: [annaId] }]);
    expect(await printing.service.unshare('laser')).toMatchObject({ shared: false });
    expect(printing.service.visibleTo(anna)).toEqual([]);
  });

  test('pausing hides all', async () => {
    await printing.service.share('laser', 'everyone');
    await config.update((now) => ({ ...now, paused: true }));
    expect(printing.service.visibleTo(guest)).toEqual([]);
    expect(printing.service.announcements(6632)).toEqual([]);
  });

  test('a queue that leads back to a nethood printer cannot be shared, nor stay so', async () => {
    await printing.service.share('laser', 'everyone');
    cups.queues = [{ unshareable: 'It leads to a printer of a neighbour.' }];
    await see(() => printing.service.printers()[0]?.unshareable !== null);
    expect(printing.service.visibleTo(guest)).toEqual([]);
    await expect(printing.service.share('laser', 'everyone')).rejects.toMatchObject({ code: 'not-permitted' });
  });

  test('an unknown and an ambiguous name are told apart', async () => {
    cups.queues = [{}, { id: QueueName.parse('twin') }];
    await see(() => printing.service.printers().length === 2);
    await expect(printing.service.share('ink', 'everyone')).rejects.toMatchObject({ code: 'not-found' });
    await expect(printing.service.share('Laser in room 1', 'everyone')).rejects.toMatchObject({ code: 'ambiguous' });
    await expect(printing.service.unshare('ink')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a shared queue that the print system has no more can still be taken back', async () => {
    await printing.service.share('laser', 'everyone');
    cups.queues = [];
    await see(() => printing.service.printers().length === 0);
    expect(PrinterView.parse(await printing.service.unshare('laser'))).toMatchObject({ id: 'laser', shared: false });
    expect(config.current.printers).toEqual([]);
  });
});

describe('a print system that does not answer', () => {
  test('leaves its queues in the list as stopped, takes jobs for later, and says why', async () => {
    cups.down = true;
    await see(() => printing.service.printers()[0]?.state === 'stopped');
    expect(printing.service.printers()).toMatchObject([{ stateReasons: ['offline-report'], accepting: true }]);
    expect(printing.service.problems()).toEqual(['The print system does not answer.']);
    cups.down = false;
    await see(() => printing.service.printers()[0]?.state === 'idle');
    expect(printing.service.problems()).toEqual([]);
  });

  test('is no problem on a PC that never had one: without CUPS nobody was to blame for ever', async () => {
    const none = new QueueBackend(new ScriptedDevice(), { clock: fastClock() });
    none.down = true;
    const own = memoryConfig();
    await using bare = await startPrinting({ backends: { cups: none }, config: own, clock: fastClock() });
    await until(() => none.asked >= 2, { what: 'the print system to be asked', withinMs: 5000, everyMs: 2 });
    expect(bare.service.problems()).toEqual([]);
    // Something that is shared must be there: then its absence is worth a word.
    await own.update((current) => ({
      ...current,
      printers: [{ queue: QueueName.parse('laser'), audience: 'everyone' }],
    }));
    expect(bare.service.problems()).toEqual(['The print system does not answer.']);
  });

  test('a new state of a queue is told to whoever listens', async () => {
    let told = 0;
    printing.service.events.on('printers', () => void told++);
    cups.queues = [{ state: 'processing' }];
    await see(() => printing.service.printers()[0]?.state === 'processing');
    expect(told).toBeGreaterThan(0);
  });
});

describe('a job of the user', () => {
  test('goes through the spool to an own printer', async () => {
    const job = await printing.service.print(
      { on: 'laser', name: 'a\nb', ticket: { copies: 3 }, user: 'berta', document: text('words') },
      never,
    );
    expect(JobView.parse(job)).toMatchObject({
      printer: 'laser',
      own: true,
      name: 'a b',
      from: 'berta on berta on desk',
    });
    const states: string[] = [];
    for await (const { state } of printing.service.watch(job.id, never)) states.push(state);
    expect(states.at(-1)).toBe('completed');
    expect(printing.service.jobs()).toHaveLength(1);
    await expect(printing.service.cancel(job.id)).rejects.toMatchObject({ code: 'not-permitted' });
  });

  test('is counted with its printer while it waits or prints, and not any more when it is done', async () => {
    const told: number[] = [];
    printing.service.events.on('printers', () => told.push(printing.service.printers()[0]?.jobs ?? -1));
    const document = text('words');
    const job = await printing.service.print(
      { on: 'laser', name: 'counted', ticket: { copies: 1 }, user: 'berta', document },
      never,
    );
    await see(() => printing.service.jobs().find(({ id }) => id === job.id)?.state === 'completed');
    await see(() => told.at(-1) === 0);
  });

  test('of a format that the printer does not take is refused with a sentence', async () => {
    const jpeg = Readable.from([Buffer.from([0xff, 0xd8, 0xff, 0xe0])]);
    await expect(
      printing.service.print({ on: 'laser', name: 'x', ticket: { copies: 1 }, user: 'berta', document: jpeg }, never),
    ).rejects.toMatchObject({ code: 'bad-document', message: 'The printer does not take image/jpeg.' });
  });
});

describe('announcements', () => {
  test('tell of a printer for everyone what clients look for, twice, under one name', async () => {
    await printing.service.share('laser', 'everyone');
    await see(() => printing.service.announcements(6632).length === 2);
    const [ipp, ipps] = printing.service.announcements(6632);
    expect([ipp?.type, ipps?.type]).toEqual(['ipp', 'ipps']);
    expect(ipp).toMatchObject({
      name: 'Laser in room 1 (berta on desk)',
      subtypes: ['print', 'universal'],
      port: 6632,
      txt: {
        txtvers: '1',
        qtotal: '1',
        rp: 'ipp/print/laser',
        ty: 'Scripted 100',
        note: 'room 1',
        pdl: 'application/pdf,text/plain',
        Color: 'T',
        Duplex: 'T',
        TLS: '1.2',
        adminurl: 'http://nh-aaaaaaaa.local:6632/ipp/print/laser',
      },
    });
    expect(ipp?.txt['UUID']).toMatch(/^[0-9a-f-]{36}$/);
    expect({ ...ipp, type: 'ipps' }).toEqual(ipps);
  });

  test('fit into 63 bytes and 255 bytes, cut between characters', async () => {
    cups.queues = [{ info: 'Großer Drucker '.repeat(9), location: 'ö'.repeat(300) }];
    await see(() => printing.service.printers()[0]?.name.startsWith('Großer') === true);
    await printing.service.share('laser', 'everyone');
    const [ipp] = printing.service.announcements(6632);
    expect(Buffer.byteLength(ipp?.name ?? '')).toBeLessThanOrEqual(63);
    expect(ipp?.name).toMatch(/\(berta on desk\)$/);
    for (const [key, value] of Object.entries(ipp?.txt ?? {}))
      expect(Buffer.byteLength(`${key}=${value}`), key).toBeLessThanOrEqual(255);
  });

  test('of printers for some are none', async () => {
    await printing.service.share('laser', [annaId]);
    expect(printing.service.announcements(6632)).toEqual([]);
  });
});

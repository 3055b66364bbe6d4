/** Operations beyond RFC 8011's required ones: Cancel-My-Jobs, Close-Job, Hold-Job, Release-Job, Identify-Printer; and who may use them. */
import { connect } from 'node:net';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  boolean,
  firstNumber,
  firstString,
  groupOf,
  groupsOf,
  integer,
  keyword,
  mimeMediaType,
  name,
  requestOf,
  text,
  uri,
  type AttributeTable,
} from '../../agent/printing/ipp-attributes.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import type { OperationName } from '../../agent/printing/ipp-tables.ts';
import type { IdentifyEvent } from '../../agent/printing/print-service.ts';
import type { Asker } from '../../agent/trust/access.ts';
import { QueueName } from '../../protocol/ids.ts';
import { until } from '../office/until.ts';
import { FrontClient, jobIdOf, onePagePdf, statusOf } from './front-client.ts';
import {
  anna,
  guest,
  listenFront,
  memoryConfig,
  startPrinting,
  type TestFront,
  type TestPrinting,
} from './print-support.ts';
import { fastClock, ScriptedBackend, ScriptedDevice } from './scripted-device.ts';

const laser = QueueName.parse('laser');
const client = new FrontClient(() => front);
const { ask, print } = { ask: client.ask.bind(client), print: client.print.bind(client) };
let device: ScriptedDevice;
let printing: TestPrinting;
let front: TestFront;
let asker: Asker;

beforeEach(async () => {
  device = new ScriptedDevice();
  asker = guest;
  printing = await startPrinting({
    backends: { cups: new ScriptedBackend(device, { clock: fastClock(), endless: () => true }) },
    config: memoryConfig({ printers: [{ queue: laser, audience: 'everyone' }], printing: { ...limits } }),
  });
  front = await listenFront(
    () => printing.service.ippRoute,
    () => asker,
  );
  await until(() => printing.service.printers().length === 1, { what: 'the printer', withinMs: 5000, everyMs: 2 });
});
afterEach(async () => {
  await front[Symbol.asyncDispose]();
  await printing[Symbol.asyncDispose]();
});

const limits = { ...memoryConfig().current.printing, largestDocument: 512 * 2 ** 20 };
const job = (id: number): AttributeTable => ({ 'job-id': integer(id) });
const stateOf = (id: number) => printing.service.jobs().find((each) => each.id === id)?.state;
const state = (id: number, wanted: string) =>
  until(() => stateOf(id) === wanted, { what: () => `${wanted}, not ${stateOf(id)}`, withinMs: 5000, everyMs: 2 });
const held = { 'job-hold-until': keyword('indefinite') };
const idsOf = async (operation: AttributeTable, user = 'dora') =>
  groupsOf(await ask('Get-Jobs', { operation, user }), 'job').map((each) => firstNumber(each, 'job-id'));
const packed = (compression: string, document: Buffer) =>
  print({ document, operation: { compression: keyword(compression), 'document-name': name('a.pdf') } });
const ofFormat = (format: string) =>
  ask('Get-Printer-Attributes', { operation: { 'document-format': mimeMediaType(format) } });
const get = (path: string, method = 'GET') => client.post(Buffer.alloc(0), {}, path, method);

describe('a job that shall wait (private release)', () => {
  test('waits, says so, and prints when its owner releases it', async () => {
    const id = jobIdOf(await print({ job: held }));
    const said = groupOf(await ask('Get-Job-Attributes', { operation: job(id) }), 'job');
    expect(firstString(said, 'job-state-reasons')).toBe('job-hold-until-specified');
    expect(firstString(said, 'job-hold-until')).toBe('indefinite');
    expect(stateOf(id)).toBe('pending-held');
    expect(device.arrivals).toEqual([]);
    expect(statusOf(await ask('Release-Job', { operation: job(id), user: 'eve' }))).toBe('client-error-not-authorized');
    expect(stateOf(id)).toBe('pending-held');
    expect(statusOf(await ask('Release-Job', { operation: job(id) }))).toBe('successful-ok');
    await state(id, 'processing');
    const released = groupOf(await ask('Get-Job-Attributes', { operation: job(id) }), 'job');
    expect(firstString(released, 'job-hold-until')).toBe('no-hold');
    expect(statusOf(await ask('Release-Job', { operation: job(id) }))).toBe('client-error-not-possible');
  });

  test('waits behind another and is held there by its owner alone', async () => {
    await print();
    const id = jobIdOf(await print());
    expect(statusOf(await ask('Hold-Job', { operation: job(id), user: 'eve' }))).toBe('client-error-not-authorized');
    expect(statusOf(await ask('Hold-Job', { operation: job(id) }))).toBe('successful-ok');
    expect(stateOf(id)).toBe('pending-held');
    expect(statusOf(await ask('Hold-Job', { operation: { ...job(id), 'job-hold-until': keyword('no-hold') } }))).toBe(
      'successful-ok',
    );
    expect(stateOf(id)).toBe('pending');
  });

  test('until a time of day is not offered', async () => {
    const id = jobIdOf(await print({ job: held }));
    const night = { 'job-hold-until': keyword('night') };
    expect(statusOf(await ask('Hold-Job', { operation: { ...job(id), ...night } }))).toBe(
      'client-error-attributes-or-values-not-supported',
    );
    expect([...groupOf(await print({ job: night }), 'unsupported')]).toEqual([['job-hold-until', keyword('night')]]);
  });
});

describe('Cancel-My-Jobs', () => {
  test('cancels mine and nobody else’s', async () => {
    const [mine, hers, also] = [await print(), await print({ user: 'eve' }), await print()].map(jobIdOf) as [
      number,
      number,
      number,
    ];
    expect(statusOf(await ask('Cancel-My-Jobs'))).toBe('successful-ok');
    await Promise.all([state(mine, 'canceled'), state(also, 'canceled')]);
    expect(stateOf(hers)).not.toBe('canceled');
    expect(statusOf(await ask('Cancel-My-Jobs')), 'none left').toBe('successful-ok');
  });

  test('of certain jobs: all of these or none, and never another’s', async () => {
    const mine = jobIdOf(await print({ job: held }));
    const hers = jobIdOf(await print({ job: held, user: 'eve' }));
    const both = await ask('Cancel-My-Jobs', { operation: { 'job-ids': integer(mine, hers) } });
    expect(statusOf(both)).toBe('client-error-not-found');
    expect([...groupOf(both, 'unsupported')]).toEqual([['job-ids', integer(hers)]]);
    expect([stateOf(mine), stateOf(hers)]).toEqual(['pending-held', 'pending-held']);
    const one = { 'job-ids': integer(mine) };
    expect(statusOf(await ask('Cancel-My-Jobs', { operation: one }))).toBe('successful-ok');
    await state(mine, 'canceled');
    expect(statusOf(await ask('Cancel-My-Jobs', { operation: one }))).toBe('client-error-not-possible');
  });

  test('of a device is not that of a guest with the same user name', async () => {
    asker = anna;
    const id = jobIdOf(await print({ job: held }));
    asker = guest;
    expect(statusOf(await ask('Cancel-My-Jobs'))).toBe('successful-ok');
    expect(statusOf(await ask('Cancel-My-Jobs', { operation: { 'job-ids': integer(id) } }))).toBe(
      'client-error-not-found',
    );
    expect(stateOf(id)).toBe('pending-held');
  });
});

describe('somebody else’s job id', () => {
  const operations: OperationName[] = ['Cancel-Job', 'Hold-Job', 'Release-Job', 'Close-Job', 'Send-Document'];

  test.each(operations)('%s is refused, by number and by job-uri, and changes nothing', async (operation) => {
    const id = jobIdOf(await print({ job: held }));
    const more = operation === 'Send-Document' ? { 'last-document': boolean(true) } : {};
    for (const subject of [job(id), { 'job-uri': uri(`${front.uri('laser')}/${id}`) }]) {
      const answer = await ask(operation, { operation: { ...subject, ...more }, user: 'eve', document: onePagePdf });
      expect(statusOf(answer)).toBe('client-error-not-authorized');
    }
    expect(stateOf(id)).toBe('pending-held');
  });

  test('tells no name, no document and no ticket of it, in no listing either', async () => {
    const id = jobIdOf(
      await print({ job: { ...held, copies: integer(3) }, operation: { 'job-name': name('Secret') } }),
    );
    const every = { 'requested-attributes': keyword('all') };
    const one = groupOf(await ask('Get-Job-Attributes', { operation: { ...job(id), ...every }, user: 'eve' }), 'job');
    const listed = groupOf(await ask('Get-Jobs', { operation: every, user: 'eve' }), 'job');
    for (const seen of [one, listed]) {
      expect(firstNumber(seen, 'job-id')).toBe(id);
      for (const hidden of [
        'job-name',
        'job-originating-user-name',
        'copies',
        'document-format',
        'document-name-supplied',
      ])
        expect(seen.has(hidden), hidden).toBe(false);
    }
    expect(await idsOf({ 'my-jobs': boolean(true) }, 'eve')).toEqual([]);
  });
});

describe('Close-Job', () => {
  test('changes nothing for a job that has its document, and ends one that has none', async () => {
    const full = jobIdOf(await print({ job: held }));
    expect(statusOf(await ask('Close-Job', { operation: job(full) }))).toBe('successful-ok');
    expect(stateOf(full)).toBe('pending-held');
    const empty = jobIdOf(await ask('Create-Job'));
    expect(statusOf(await ask('Close-Job', { operation: job(empty) }))).toBe('successful-ok');
    expect(stateOf(empty)).toBe('canceled');
    expect(statusOf(await ask('Close-Job', { operation: job(empty) }))).toBe('client-error-not-possible');
    expect(statusOf(await ask('Close-Job', { operation: job(9999) }))).toBe('client-error-not-found');
  });
});

describe('Get-Jobs', () => {
  test('gives the jobs that are named, whatever their state, and a part of a long list', async () => {
    const all: number[] = [];
    for (let at = 0; at < 4; at++) all.push(jobIdOf(await print({ job: held })));
    const [one = 0, two = 0, three = 0, four = 0] = all;
    await ask('Cancel-Job', { operation: job(two) });
    expect(await idsOf({ 'job-ids': integer(four, two, 77) })).toEqual([four, two]);
    expect(await idsOf({ 'first-index': integer(2), limit: integer(1) })).toEqual([three]);
    expect(await idsOf({ 'first-index': integer(9) })).toEqual([]);
    expect(await idsOf({})).toEqual([one, three, four]);
    const both = { 'job-ids': integer(one), 'which-jobs': keyword('all') };
    expect(statusOf(await ask('Get-Jobs', { operation: both }))).toBe('client-error-conflicting-attributes');
    expect(statusOf(await ask('Get-Jobs', { operation: { 'first-index': integer(0) } }))).toBe(
      'client-error-bad-request',
    );
  });
});

describe('Identify-Printer', () => {
  test('is told on, with words that cannot disturb, and names the actions that there are none of', async () => {
    const told: IdentifyEvent[] = [];
    using _ = printing.service.events.on('identify', (event) => told.push(event));
    const message = text(`Here\u001b[2J\n${'x'.repeat(300)}`);
    const operation = { 'identify-actions': keyword('display', 'flash'), message };
    const answer = await ask('Identify-Printer', { operation });
    expect(statusOf(answer)).toBe('successful-ok-ignored-or-substituted-attributes');
    expect([...groupOf(answer, 'unsupported')]).toEqual([['identify-actions', keyword('flash')]]);
    expect(told).toMatchObject([{ printer: 'Laser in room 1', actions: ['display'], from: 'dora on 127.0.0.1' }]);
    expect(told[0]?.message).toMatch(/^Here \[2J xxx/);
    expect(Buffer.byteLength(told[0]?.message ?? '')).toBeLessThanOrEqual(127);
    expect(statusOf(await ask('Identify-Printer'))).toBe('successful-ok');
    expect(told[1]).toMatchObject({ actions: ['display'], message: '' });
  });
});

describe('a document', () => {
  test('is told of as it was sent', async () => {
    const id = jobIdOf(await packed('deflate', deflateRawSync(onePagePdf)));
    const said = groupOf(await ask('Get-Job-Attributes', { operation: job(id) }), 'job');
    expect(firstString(said, 'compression-supplied')).toBe('deflate');
    expect(firstString(said, 'document-format-supplied')).toBe('application/octet-stream');
    expect(firstString(said, 'document-format')).toBe('application/pdf');
    expect(firstString(said, 'document-name-supplied')).toBe('a.pdf');
    expect(said.get('job-impressions')).toEqual([{ tag: 'no-value' }]);
  });

  test('that unpacks to nearly nothing but air is refused long before it fills the disk', async () => {
    const bomb = gzipSync(Buffer.concat([onePagePdf, Buffer.alloc(96 * 2 ** 20)]), { level: 9 });
    const answer = await packed('gzip', bomb);
    expect(statusOf(answer)).toBe('client-error-request-entity-too-large');
    expect(printing.service.jobs()).toEqual([]);
  });

  test('is sent for when its sender waits to be told to (Expect: 100-continue), in pieces', async () => {
    const message = requestOf('Print-Job', { 'printer-uri': uri(front.uri('laser')) });
    const socket = connect({ host: '127.0.0.1', port: front.port });
    const heard: Buffer[] = [];
    socket.on('data', (data: Buffer) => heard.push(data));
    const head = ['POST /ipp/print/laser HTTP/1.1', `Host: 127.0.0.1:${front.port}`, 'Content-Type: application/ipp'];
    socket.write([...head, 'Transfer-Encoding: chunked', 'Expect: 100-continue', '', ''].join('\r\n'));
    const all = () => Buffer.concat(heard).toString('latin1');
    await until(() => all().includes('100 Continue'), { what: all, withinMs: 5000, everyMs: 2 });
    for (const piece of [encodeIpp(message), onePagePdf.subarray(0, 7), onePagePdf.subarray(7)]) {
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write('\r\n');
    }
    socket.write('0\r\n\r\n');
    await until(() => all().includes('200 OK'), { what: all, withinMs: 5000, everyMs: 2 });
    socket.destroy();
    expect(printing.service.jobs()).toMatchObject([{ bytes: onePagePdf.length }]);
  });
});

describe('Get-Printer-Attributes', () => {
  test('of a format that the printer does not take is refused', async () => {
    expect(statusOf(await ofFormat('application/pdf'))).toBe('successful-ok');
    expect(statusOf(await ofFormat('application/postscript'))).toBe('client-error-document-format-not-supported');
  });

  test('has what IPP Everywhere wants also of a destination that says little', async () => {
    const printer = await client.printer('all', 'media-col-database');
    const wanted = [
      'printer-supply',
      'printer-input-tray',
      'media-type-supported',
      'overrides-supported',
      'printer-icons',
    ];
    for (const attribute of wanted) expect(printer.has(attribute), attribute).toBe(true);
    expect(firstString(printer, 'printer-device-id')).toBe('MFG:Scripted;MDL:100;CMD:PDF,TXT;');
    expect(firstString(printer, 'ipp-features-supported'), 'it takes no raster').toBe('none');
    const supply = printer.get('printer-supply')?.[0];
    expect(supply?.tag === 'octetString' && Buffer.from(supply.value).toString()).toContain('level=-2;');
  });
});

describe('the page of a printer', () => {
  test('is where printer-more-info says, shows its state, and is plain and closed', async () => {
    const page = await get('/ipp/print/laser');
    expect(page).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    expect(page.body.toString()).toContain('<h1>Laser in room 1</h1>');
    expect(page.body.toString()).toMatch(/State<\/th><td>idle/);
    expect(page.body.toString()).not.toMatch(/<script|https?:/);
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'/);
    expect(page.headers['set-cookie']).toBeUndefined();
    expect((await get('/ipp/print/laser', 'HEAD')).body).toHaveLength(0);
    expect(firstString(await client.printer(), 'printer-more-info')).toBe(
      `http://nh-aaaaaaaa.local:${front.port}/ipp/print/laser`,
    );
  });

  test.each([48, 128, 512])('has an icon of %i pixels', async (size) => {
    const icon = await get(`/ipp/print/laser/icon-${size}.png`);
    expect(icon).toMatchObject({ status: 200, type: 'image/png' });
    expect(icon.body.subarray(1, 4).toString()).toBe('PNG');
    expect(icon.body.readUInt32BE(16)).toBe(size);
  });

  test('is not there for a queue that is none, for one that is hidden, and below it', async () => {
    const answers = ['nobody', 'broken', 'laser/icon-1.png', 'laser/x', '%', ''].map((path) =>
      get(`/ipp/print/${path}`),
    );
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ status: 404 });
  });
});

import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeIpp } from '../../agent/printing/ipp-decoder.ts';
import {
  boolean,
  firstNumber,
  firstString,
  group,
  groupOf,
  groupsOf,
  integer,
  keyword,
  mimeMediaType,
  name,
  range,
  requestOf,
  stringsOf,
  uri,
  type AttributeTable,
} from '../../agent/printing/ipp-attributes.ts';
import { operations, type OperationName } from '../../agent/printing/ipp-tables.ts';
import type { IppGroup } from '../../agent/printing/ipp-values.ts';
import { newJobUuid } from '../../agent/printing/job.ts';
import type { Asker } from '../../agent/trust/access.ts';
import { DeviceId, JobId, QueueName } from '../../protocol/ids.ts';
import { until } from '../office/until.ts';
import { FrontClient, jobIdOf, onePagePdf, statusOf } from './front-client.ts';
import {
  anna,
  annaId,
  FakeNeighbours,
  guest,
  listenFront,
  memoryConfig,
  startPrinting,
  type TestFront,
  type TestPrinting,
} from './print-support.ts';
import { fastClock, ScriptedBackend, ScriptedDevice } from './scripted-device.ts';

const laser = QueueName.parse('laser');
const pdf = onePagePdf;
const chris: Asker = { kind: 'device', id: DeviceId.parse('c'.repeat(52)), trust: 'stranger', onLink: true };

let printing: TestPrinting;
let front: TestFront;
let device: ScriptedDevice;
let neighbours: FakeNeighbours;
let asker: Asker;
let keepsPrinting: boolean;
const config = memoryConfig({ printers: [{ queue: laser, audience: 'everyone' }] });

beforeEach(async () => {
  device = new ScriptedDevice();
  neighbours = new FakeNeighbours();
  asker = guest;
  keepsPrinting = true;
  const cups = new ScriptedBackend(device, { clock: fastClock(), endless: () => keepsPrinting });
  printing = await startPrinting({ backends: { cups }, config, neighbours });
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

const client = new FrontClient(() => front);
const post: FrontClient['post'] = (...args) => client.post(...args);
const send: FrontClient['send'] = (...args) => client.send(...args);
const ask: FrontClient['ask'] = (...args) => client.ask(...args);
const print: FrontClient['print'] = (...args) => client.print(...args);
const jobId = jobIdOf;

const valid = () => requestOf('Get-Printer-Attributes', { 'printer-uri': uri(front.uri('laser')) });
const namesOf = async (...requested: string[]) => [...(await client.printer(...requested)).keys()];
const printerUuid = async () => firstString(groupOf(await ask('Get-Printer-Attributes'), 'printer'), 'printer-uuid');
const packed = (compression: string, document: Buffer) =>
  print({ operation: { compression: keyword(compression) }, document });
const forJob = (id: number, last = true): AttributeTable => ({ 'job-id': integer(id), 'last-document': boolean(last) });
const attributesOf = async (id: number, user: string) =>
  ask('Get-Job-Attributes', { operation: { 'job-id': integer(id) }, user });
const ids = async (operation: AttributeTable, user = 'dora') =>
  groupsOf(await ask('Get-Jobs', { operation, user }), 'job').map((job) => firstNumber(job, 'job-id'));

describe('requests that are none (RFC 8011 section 4.1)', () => {
  test.each([
    [0, 0, 'server-error-version-not-supported'],
    [3, 0, 'server-error-version-not-supported'],
    [1, 0, 'successful-ok'],
    [1, 1, 'successful-ok'],
    [2, 2, 'successful-ok'],
  ])('version %i.%i: %s', async (major, minor, status) => {
    expect(statusOf(await send({ ...valid(), version: { major, minor } }))).toBe(status);
  });

  test('request-id 0 is refused, and echoed', async () => {
    const response = await send({ ...valid(), requestId: 0 });
    expect([statusOf(response), response.requestId]).toEqual(['client-error-bad-request', 0]);
  });

  test('no group, a group in the wrong order, no charset first, no printer-uri: bad request', async () => {
    const [operation] = valid().groups;
    const attributes = operation?.attributes ?? new Map();
    const without = (attribute: string) => new Map([...attributes].filter(([each]) => each !== attribute));
    const wrong: IppGroup[][] = [
      [],
      [group('job', { copies: integer(1) }), { group: 'operation', attributes }],
      [
        { group: 'operation', attributes },
        { group: 'operation', attributes },
      ],
      [{ group: 'operation', attributes: without('attributes-natural-language') }],
      [{ group: 'operation', attributes: without('printer-uri') }],
    ];
    for (const groups of wrong) expect(statusOf(await send({ ...valid(), groups }))).toBe('client-error-bad-request');
  });

  test('another charset is told apart', async () => {
    const attributes = new Map(valid().groups[0]?.attributes);
    attributes.set('attributes-charset', [{ tag: 'charset', value: 'iso-8859-1' }]);
    expect(statusOf(await send({ ...valid(), groups: [{ group: 'operation', attributes }] }))).toBe(
      'client-error-charset-not-supported',
    );
  });

  test('an operation that is none of ours', async () => {
    expect(statusOf(await send({ ...valid(), operation: operations['CUPS-Get-Printers'] }))).toBe(
      'server-error-operation-not-supported',
    );
  });

  test('the 16 bytes that hang the parsers of the registry are a bad request', async () => {
    const bytes = Buffer.from('0101000b000000010444000161fffa03', 'hex');
    expect(bytes).toHaveLength(16);
    const { body } = await post(bytes);
    expect(statusOf(decodeIpp(body, 'response').message)).toBe('client-error-bad-request');
  });

  test('what is not even a header is a bad request of HTTP; other methods are not allowed', async () => {
    expect(await post(Buffer.from('IPP'))).toMatchObject({ status: 400, type: 'text/plain; charset=utf-8' });
    expect(await post(Buffer.alloc(0), { 'content-type': 'text/xml' })).toMatchObject({ status: 415 });
    expect(await post(Buffer.alloc(0), {}, '/ipp/print/laser', 'PUT')).toMatchObject({ status: 405 });
  });

  test('a queue in the path and another in printer-uri are not found', async () => {
    const response = await send(valid(), undefined, '/ipp/print/other');
    expect(statusOf(response)).toBe('client-error-not-found');
  });
});

describe('a printer', () => {
  test('says what its destination says of media and sides, and its own name and addresses', async () => {
    const printer = groupOf(await ask('Get-Printer-Attributes'), 'printer');
    expect(stringsOf(printer, 'sides-supported')).toEqual(['one-sided', 'two-sided-long-edge']);
    expect(stringsOf(printer, 'printer-uri-supported')).toEqual([
      front.uri('laser'),
      front.uri('laser').replace('ipp:', 'ipps:'),
    ]);
    expect(firstString(printer, 'printer-info')).toBe('Laser in room 1');
    expect(firstString(printer, 'printer-dns-sd-name')).toBe('Laser in room 1 (berta on desk)');
    expect(printer.has('device-uri')).toBe(false);
    expect(stringsOf(printer, 'document-format-supported')).toEqual([
      'application/octet-stream',
      'application/pdf',
      'text/plain',
    ]);
    expect(stringsOf(printer, 'media-source-supported'), 'digits are no keyword').toEqual(['tray-1']);
  });

  test('to agents has one address, with TLS, and no guests', async () => {
    asker = anna;
    const printer = groupOf(await ask('Get-Printer-Attributes'), 'printer');
    expect(stringsOf(printer, 'printer-uri-supported')).toEqual([front.uri('laser').replace('ipp:', 'ipps:')]);
    expect(stringsOf(printer, 'uri-authentication-supported')).toEqual(['certificate']);
  });

  test('gives groups of attributes, names, and media-col-database only by name', async () => {
    expect(await namesOf('printer-name', 'nonsense')).toEqual(['printer-name']);
    expect(await namesOf('all')).not.toContain('media-col-database');
    expect(await namesOf('media-col-database')).toEqual(['media-col-database']);
    const template = await namesOf('job-template');
    expect(template).toEqual(expect.arrayContaining(['sides-supported', 'copies-supported', 'media-supported']));
    expect(template).not.toContain('printer-name');
    const description = await namesOf('printer-description');
    expect(description).toEqual(expect.arrayContaining(['printer-name', 'operations-supported', 'color-supported']));
    expect(description).not.toContain('sides-supported');
  });

  test('has the same uuid for ever, another on another device', async () => {
    expect(await printerUuid()).toBe(await printerUuid());
    expect(await printerUuid()).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});

describe('a queue that the asker may not see', () => {
  test('answers every operation as one that does not exist', async () => {
    const job = jobId(await print({ user: 'dora' }));
    await config.update((now) => ({ ...now, printers: [{ queue: laser, audience: [annaId] }] }));
    try {
      const all: OperationName[] = [
        'Print-Job',
        'Validate-Job',
        'Create-Job',
        'Send-Document',
        'Cancel-Job',
        'Get-Job-Attributes',
        'Get-Jobs',
        'Get-Printer-Attributes',
      ];
      for (const operation of all) {
        const more = { 'job-id': integer(job), 'last-document': boolean(true) };
        const hidden = await ask(operation, { operation: more, document: pdf });
        expect(statusOf(hidden), operation).toBe('client-error-not-found');
      }
      asker = anna;
      expect(statusOf(await ask('Get-Printer-Attributes'))).toBe('successful-ok');
      await config.update((now) => ({ ...now, paused: true }));
      expect(statusOf(await ask('Get-Printer-Attributes'))).toBe('client-error-not-found');
    } finally {
      await config.update((now) => ({ ...now, paused: false, printers: [{ queue: laser, audience: 'everyone' }] }));
    }
  });
});

describe('Print-Job', () => {
  test('answers with the job, and the document arrives as it is', async () => {
    const response = await print({ operation: { 'job-name': name('Report') }, job: { copies: integer(2) } });
    expect(statusOf(response)).toBe('successful-ok');
    const job = groupOf(response, 'job');
    expect(firstString(job, 'job-uri')).toBe(`${front.uri('laser')}/${jobId(response)}`);
    await until(() => device.arrivals.length === 1, { what: 'arrival', withinMs: 5000, everyMs: 2 });
    expect([...device.jobs.values()][0]?.text).toBe(pdf.toString());
    expect(printing.service.jobs()).toMatchObject([
      { name: 'Report', own: false, from: 'dora on 127.0.0.1', printer: 'laser', bytes: pdf.length },
    ]);
  });

  test.each([
    [
      'a document that is not what it claims',
      'application/pdf',
      Buffer.from('plain words'),
      'client-error-document-format-error',
    ],
    ['a format that the printer does not take', 'image/jpeg', pdf, 'client-error-document-format-not-supported'],
    [
      'a document of no known format',
      'application/octet-stream',
      Buffer.from([0, 1, 2]),
      'client-error-document-format-not-supported',
    ],
    ['PostScript as text', 'text/plain', Buffer.from('%!PS\nshowpage'), 'client-error-document-format-error'],
    ['no document', 'application/pdf', Buffer.alloc(0), 'client-error-bad-request'],
    ['a claim with parameters', 'text/plain; charset=utf-8', Buffer.from('Grüße'), 'successful-ok'],
    ['no claim', 'application/octet-stream', pdf, 'successful-ok'],
  ])('%s: %s', async (...row) => {
    const [, format, document, status] = row;
    const response = await print({ operation: { 'document-format': mimeMediaType(format) }, document });
    expect(statusOf(response)).toBe(status);
    expect(printing.service.jobs()).toHaveLength(status === 'successful-ok' ? 1 : 0);
  });

  test('unpacks what is packed, and refuses what is packed wrong or strangely', async () => {
    expect(statusOf(await packed('gzip', gzipSync(pdf)))).toBe('successful-ok');
    expect(printing.service.jobs()[0]?.bytes).toBe(pdf.length);
    expect(statusOf(await packed('gzip', pdf))).toBe('client-error-compression-error');
    expect(statusOf(await packed('compress', pdf))).toBe('client-error-compression-not-supported');
  });

  test('names what it left out of the ticket, or refuses the job where that matters', async () => {
    const job = { copies: integer(99), sides: keyword('two-sided-long-edge'), 'x-odd': keyword('y') };
    const response = await print({ job });
    expect(statusOf(response)).toBe('successful-ok-ignored-or-substituted-attributes');
    expect([...groupOf(response, 'unsupported')]).toEqual([
      ['copies', integer(99)],
      ['x-odd', [{ tag: 'unsupported' }]],
    ]);
    const strict = await print({ job, operation: { 'ipp-attribute-fidelity': boolean(true) } });
    expect(statusOf(strict)).toBe('client-error-attributes-or-values-not-supported');
    expect(printing.service.jobs()).toHaveLength(1);
    expect(statusOf(await print({ job: { 'page-ranges': range(1, 2) } }))).toMatch(/^successful-ok-ignored/);
  });

  test('of an agent under the same submission id is one job; of a guest the id means nothing', async () => {
    const uuid = newJobUuid();
    const operation = { 'nethood-submission-id': uri(uuid) };
    asker = anna;
    const first = await print({ operation });
    expect(firstString(groupOf(first, 'job'), 'job-uuid')).toBe(uuid);
    expect(jobId(await print({ operation }))).toBe(jobId(first));
    asker = chris;
    expect(jobId(await print({ operation }))).not.toBe(jobId(first));
    asker = guest;
    expect(firstString(groupOf(await print({ operation }), 'job'), 'job-uuid')).not.toBe(uuid);
  });

  test('of an agent sends news of the job to that agent alone', async () => {
    asker = anna;
    const uuid = newJobUuid();
    keepsPrinting = false;
    await print({ operation: { 'nethood-submission-id': uri(uuid) } });
    await until(() => neighbours.sent.at(-1)?.[1].state === 'completed', { what: 'news', withinMs: 5000, everyMs: 2 });
    expect(new Set(neighbours.sent.map(([id]) => id))).toEqual(new Set([annaId]));
    expect(new Set(neighbours.sent.map(([, event]) => event.uuid))).toEqual(new Set([uuid]));
  });
});

describe('Create-Job and Send-Document', () => {
  test('make one job of one document', async () => {
    const id = jobId(await ask('Create-Job', { operation: { 'job-name': name('Two steps') } }));
    expect(statusOf(await ask('Send-Document', { operation: forJob(id), document: pdf }))).toBe('successful-ok');
    await until(() => device.arrivals.length === 1, { what: 'arrival', withinMs: 5000, everyMs: 2 });
    expect(device.arrivals).toEqual(['Two steps']);
    expect(statusOf(await ask('Send-Document', { operation: forJob(id) }))).toBe('successful-ok');
    expect(statusOf(await ask('Send-Document', { operation: forJob(id), document: pdf }))).toBe(
      'server-error-multiple-document-jobs-not-supported',
    );
  });

  test('of somebody else take no document, nor without last-document', async () => {
    const id = jobId(await ask('Create-Job'));
    expect(statusOf(await ask('Send-Document', { operation: forJob(id), document: pdf, user: 'eve' }))).toBe(
      'client-error-not-authorized',
    );
    expect(statusOf(await ask('Send-Document', { operation: { 'job-id': integer(id) }, document: pdf }))).toBe(
      'client-error-bad-request',
    );
    expect(statusOf(await ask('Send-Document', { operation: forJob(9999), document: pdf }))).toBe(
      'client-error-not-found',
    );
  });

  test('with a document that is refused leave no ghost of a job', async () => {
    const id = jobId(await ask('Create-Job'));
    const smeared = await ask('Send-Document', { operation: forJob(id), document: Buffer.from([0, 1]) });
    expect(statusOf(smeared)).toBe('client-error-document-format-not-supported');
    expect(printing.service.jobs()).toMatchObject([{ id, state: 'aborted' }]);
  });
});

describe('whose job it is', () => {
  test('its owner sees and cancels all of it, others see that it is there', async () => {
    const id = jobId(await print({ operation: { 'job-name': name('Secret plan') }, user: 'dora' }));
    expect(firstString(groupOf(await attributesOf(id, 'dora'), 'job'), 'job-name')).toBe('Secret plan');
    const foreign = groupOf(await attributesOf(id, 'eve'), 'job');
    expect(firstNumber(foreign, 'job-id')).toBe(id);
    for (const hidden of ['job-name', 'job-originating-user-name', 'document-format', 'job-uuid', 'job-state-message'])
      expect(foreign.has(hidden), hidden).toBe(false);
    const cancel = { operation: { 'job-id': integer(id) } };
    expect(statusOf(await ask('Cancel-Job', { ...cancel, user: 'eve' }))).toBe('client-error-not-authorized');
    expect(statusOf(await ask('Cancel-Job', { ...cancel, user: 'dora' }))).toBe('successful-ok');
    await until(() => printing.service.jobs()[0]?.state === 'canceled', {
      what: 'the end',
      withinMs: 5000,
      everyMs: 2,
    });
    expect(statusOf(await ask('Cancel-Job', { ...cancel, user: 'dora' }))).toBe('client-error-not-possible');
  });

  test('a device is not another device that uses the same user name', async () => {
    asker = anna;
    const id = jobId(await print({ user: 'dora' }));
    for (const other of [chris, guest]) {
      asker = other;
      expect(statusOf(await ask('Cancel-Job', { operation: { 'job-id': integer(id) }, user: 'dora' }))).toBe(
        'client-error-not-authorized',
      );
    }
  });

  test('an agent asks for its job by the name that it gave, even when the printer is hidden from it since', async () => {
    asker = anna;
    const uuid = newJobUuid();
    await print({ operation: { 'nethood-submission-id': uri(uuid) } });
    const byName = { operation: { 'job-uri': uri(uuid) } };
    await config.update((now) => ({ ...now, printers: [] }));
    expect(firstString(groupOf(await ask('Get-Job-Attributes', byName), 'job'), 'job-uuid')).toBe(uuid);
    asker = chris;
    expect(statusOf(await ask('Get-Job-Attributes', byName))).toBe('client-error-not-found');
    asker = anna;
    expect(statusOf(await ask('Cancel-Job', byName))).toBe('successful-ok');
    await config.update((now) => ({ ...now, printers: [{ queue: laser, audience: 'everyone' }] }));
  });

  test('the owner of the printer cancels any', async () => {
    const id = jobId(await print());
    await printing.service.cancel(JobId.parse(id));
    await until(() => printing.service.jobs()[0]?.state === 'canceled', {
      what: 'the end',
      withinMs: 5000,
      everyMs: 2,
    });
    expect(printing.service.jobs()[0]?.stateReasons).toEqual(expect.any(Array));
  });
});

describe('Get-Jobs', () => {
  test('gives those to come in their order, those that ended newest first, mine, and no more than asked for', async () => {
    const one = jobId(await print({ user: 'dora' }));
    const two = jobId(await print({ user: 'eve' }));
    const three = jobId(await print({ user: 'dora' }));
    expect(await ids({})).toEqual([one, two, three]);
    expect(await ids({ 'my-jobs': boolean(true) })).toEqual([one, three]);
    expect(await ids({ limit: integer(2) })).toEqual([one, two]);
    for (const id of [two, three]) await printing.service.cancel(JobId.parse(id));
    await until(async () => (await ids({})).length === 1, { what: 'two ends', withinMs: 5000, everyMs: 5 });
    expect(await ids({ 'which-jobs': keyword('not-completed') })).toEqual([one]);
    expect(new Set(await ids({ 'which-jobs': keyword('completed') }))).toEqual(new Set([two, three]));
    expect((await ids({ 'which-jobs': keyword('all') }))[0]).toBe(one);
    expect(await ids({ 'which-jobs': keyword('canceled'), 'my-jobs': boolean(true) })).toEqual([three]);
    const odd = await ask('Get-Jobs', { operation: { 'which-jobs': keyword('lost') } });
    expect(statusOf(odd)).toBe('client-error-attributes-or-values-not-supported');
  });

  test('gives job-id and job-uri where nothing is asked for', async () => {
    await print();
    expect([...groupOf(await ask('Get-Jobs'), 'job').keys()]).toEqual(['job-id', 'job-uri']);
  });
});

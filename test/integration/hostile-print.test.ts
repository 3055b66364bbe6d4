// needs: cups
/**
 * Requests made to break a printer, at the front of a real CUPS queue: each is refused with the status of RFC 8011, or
 * printed without what was wrong about it. Nothing appears where nothing should be, nothing reaches the print system that
 * a stranger wrote for its commands, and others print all the while.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { createCupsBackend } from '../../agent/platform/cups.ts';
import { openPdfPrinter } from '../../agent/platform/pdf-printer.ts';
import {
  boolean,
  collection,
  firstString,
  groupOf,
  groupsOf,
  integer,
  keyword,
  mimeMediaType,
  name,
  range,
  requestOf,
  uri,
  type AttributeTable,
} from '../../agent/printing/ipp-attributes.ts';
import { askIpp } from '../../agent/printing/ipp-client.ts';
import { decodeIpp } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { statusName } from '../../agent/printing/ipp-tables.ts';
import type { AttributeGroup } from '../../agent/printing/ipp-values.ts';
import { QueueName } from '../../protocol/ids.ts';
import { startCups, type CupsServer } from '../office/cups.ts';
import { until } from '../office/until.ts';
import { FrontClient, jobIdOf, statusOf } from '../printing/front-client.ts';
import { attribute, collectionBytes, hex } from '../printing/ipp-bytes.ts';
import {
  guest,
  listenFront,
  memoryConfig,
  startPrinting,
  type TestFront,
  type TestPrinting,
} from '../printing/print-support.ts';

const text = { operation: { 'document-format': mimeMediaType('text/plain') }, document: Buffer.from('A page.\n') };
const success = 'successful-ok';
const tooLarge = 'client-error-request-entity-too-large';
const without = 'successful-ok-ignored-or-substituted-attributes';

let folder: string;
let cups: CupsServer;
let printing: TestPrinting;
let front: TestFront;
const client = new FrontClient(() => front);
const config = memoryConfig({
  printers: ['laser', 'PDF'].map((queue) => ({ queue: QueueName.parse(queue), audience: 'everyone' as const })),
});

async function startFront(): Promise<void> {
  const pdf = await openPdfPrinter({
    folder: join(folder, 'files'),
    stateFolder: join(folder, 'state'),
    clock: systemClock,
  });
  const env = { CUPS_SERVER: cups.server };
  const backend = createCupsBackend({ env, clock: systemClock, log: silentLog, instances: () => new Set() });
  printing = await startPrinting({ backends: { cups: backend, pdf }, config, folder: join(folder, 'home') });
  front = await listenFront(
    () => printing.service.ippRoute,
    () => guest,
  );
  await until(() => printing.service.printers().length === 3, { what: 'the printers', withinMs: 10_000 });
}

/** Somebody else's documents, one after the other, all the time. */
class Colleague {
  readonly statuses: string[] = [];
  readonly #stop = new AbortController();
  readonly #printing = this.#print();

  async #print(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const response = await client.print({ ...text, user: 'colleague' });
      this.statuses.push(statusOf(response));
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#printing;
  }
}
let colleague: Colleague;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-hostile-'));
  cups = await startCups();
  await startFront();
  colleague = new Colleague();
});

afterAll(async () => {
  await colleague?.stop();
  await front?.[Symbol.asyncDispose]();
  await printing?.[Symbol.asyncDispose]();
  await cups?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Made by whoever takes a name for a command. */
const canary = join(tmpdir(), `nh-canary-${process.pid}`);
const nasty: readonly string[] = [
  `$(touch ${canary})`,
  `; touch ${canary} #`,
  `"\`touch ${canary}\`"'&|<>*?`,
  'Report\nPAGE: 99 99\r\nINFO: nothing',
  '\u001b]0;title\u0007\u001b[2J\u009b2J',
  '\u202ecod.tropeR\u2066\u2028\ufeff',
  '../../../../etc/cron.d/x',
  '-o raw --help %s%n%p',
  'x'.repeat(1_000),
  'é'.repeat(1_000),
  '__proto__',
  '\0\0',
  '',
];
const unclean = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;

async function ofCups(...wanted: string[]): Promise<AttributeGroup[]> {
  const target = { transport: { socketPath: cups.server }, path: '/printers/laser', what: 'CUPS' };
  const request = requestOf('Get-Jobs', {
    'printer-uri': uri('ipp://localhost/printers/laser'),
    'which-jobs': keyword('all'),
    'requested-attributes': keyword(...wanted),
  });
  return groupsOf(await askIpp(target, request, { signal: AbortSignal.timeout(10_000) }), 'job');
}

const open = () => printing.service.jobs().filter(({ state }) => state === 'pending' || state === 'processing');

async function settled(): Promise<void> {
  await until(() => open().length === 0, { what: () => JSON.stringify(open()), withinMs: 60_000 });
}

describe('names that are more than names', () => {
  test('of jobs and of users are printed under what is left of them', async () => {
    for (const each of nasty) {
      const response = await client.print({
        ...text,
        user: each,
        operation: { ...text.operation, 'job-name': name(each) },
      });
      expect([each, statusOf(response)]).toEqual([each, success]);
      const id = jobIdOf(response);
      const told = await client.ask('Get-Job-Attributes', { operation: { 'job-id': integer(id) }, user: each });
      for (const attributeName of ['job-name', 'job-originating-user-name']) {
        const value = firstString(groupOf(told, 'job'), attributeName) ?? '';
        expect(value).toMatch(/\S/);
        expect(value).not.toMatch(unclean);
        expect(Buffer.byteLength(value)).toBeLessThanOrEqual(255);
      }
    }
    await settled();
    for (const job of await ofCups('job-name', 'job-originating-user-name', 'job-uuid'))
      for (const attributeName of ['job-name', 'job-originating-user-name'])
        expect(firstString(job, attributeName)).not.toMatch(unclean);
    const titles = await cups.printedWith('titles');
    for (const title of titles) expect(title).toMatch(/^\d+ \S/);
    expect(titles).toHaveLength((await cups.printed()).length);
  });

  test('of documents are files of the folder, under names of files', async () => {
    for (const each of nasty) {
      const operation = { ...text.operation, 'document-name': name(each), 'job-name': name(each) };
      const response = await client
        .ask('Print-Job', { ...text, operation, uri: front.uri('PDF') })
        .catch(() => undefined);
      // The path is that of another queue: asked for there.
      expect(response && statusOf(response)).toBe('client-error-not-found');
      const request = requestOf('Print-Job', { 'printer-uri': uri(front.uri('PDF')), ...operation });
      expect(statusOf(await client.send(request, text.document, '/ipp/print/PDF'))).toBe(success);
    }
    await settled();
    const files = await readdir(join(folder, 'files'), { recursive: true });
    expect(files).toHaveLength(nasty.length);
    for (const file of files) {
      expect(file).toBe(basename(file));
      expect(file).toMatch(/^[^.<>:"/\\|?*\p{Cc}][^<>:"/\\|?*\p{Cc}]*\.txt$/u);
      expect(file).not.toMatch(unclean);
    }
  });
});

const hostile: Readonly<Record<string, AttributeTable>> = {
  'copies -1': { copies: integer(-1) },
  'copies 0': { copies: integer(0) },
  'copies 1,000,000,000': { copies: integer(1_000_000_000) },
  'copies of another syntax': { copies: keyword('2; reboot') },
  'media ../../x': { media: keyword('../../x') },
  'media of a shell': { media: keyword(`custom_$(touch ${canary})_1x1mm`) },
  'media-col of a shell': { 'media-col': collection({ 'media-type': keyword(`; touch ${canary}`) }) },
  'sides of nobody': { sides: keyword('three-sided') },
  'pages -5 to 3': { 'page-ranges': range(-5, 3) },
  'pages 9 to 1': { 'page-ranges': range(9, 1) },
  '20,000 ranges of pages': {
    'page-ranges': Array.from({ length: 20_000 }, (_, at) => range(at + 1, at + 1)).flat(),
  },
  'an option of a filter': { 'x-stranger': keyword('1') },
  'an attribute called __proto__': { ['__proto__']: keyword('polluted') },
  'one called constructor': { constructor: keyword('polluted') },
  'a printer attribute': { 'device-uri': uri('file:///etc/passwd') },
};

describe('a ticket that no printer could print', () => {
  test.each(Object.entries(hostile))('%s: left out and said so, or with fidelity refused', async (_, job) => {
    const [asked] = Object.keys(job);
    const response = await client.print({ ...text, job });
    expect(statusOf(response)).toBe(without);
    expect([...groupOf(response, 'unsupported').keys()]).toEqual([asked]);
    const strict = { ...text.operation, 'ipp-attribute-fidelity': boolean(true) };
    const refused = await client.print({ ...text, job, operation: strict });
    expect(statusOf(refused)).toBe('client-error-attributes-or-values-not-supported');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

const head = () => encodeIpp(requestOf('Print-Job', { 'printer-uri': uri(front.uri('laser')) })).subarray(0, -1);

const sent = async (...parts: Buffer[]): Promise<string> => {
  const { status, body } = await client.post(Buffer.concat([head(), ...parts, text.document]), {
    // What of the message was not read is still on the way.
    connection: 'close',
  });
  expect(status).toBe(200);
  return statusName(decodeIpp(body, 'response').message.status);
};

describe('a message beyond all bounds', () => {
  const job = hex('02');
  const end = hex('03');

  test.each([
    ['collections 17 deep', () => [job, collectionBytes(17), end], tooLarge],
    ['collections 20,000 deep', () => [job, collectionBytes(20_000), end], tooLarge],
    [
      '10,001 attributes',
      () => [job, ...Array.from({ length: 10_001 }, (_, at) => attribute(0x21, `a${at}`, hex('00000001'))), end],
      tooLarge,
    ],
    [
      'two megabytes of attributes',
      () => [job, ...Array.from({ length: 40 }, (_, at) => attribute(0x41, `a${at}`, 'x'.repeat(60_000))), end],
      tooLarge,
    ],
    ['a name of 300 bytes', () => [job, attribute(0x44, 'n'.repeat(300), 'x'), end], 'client-error-bad-request'],
    [
      'the same attribute twice',
      () => [job, attribute(0x44, 'sides', 'x'), attribute(0x44, 'sides', 'y'), end],
      'client-error-bad-request',
    ],
    ['a value longer than the message', () => [job, hex('44 0001 61 fffa')], 'client-error-bad-request'],
  ])('%s: refused', async (_, parts, status) => {
    const jobs = printing.service.jobs().filter(({ from }) => !from.includes('colleague')).length;
    expect(await sent(...parts())).toBe(status);
    expect(printing.service.jobs().filter(({ from }) => !from.includes('colleague'))).toHaveLength(jobs);
  });

  test('10 GiB announced are refused before they come', async () => {
    const request = Buffer.concat([head(), end, text.document]);
    const socket = connect({ host: '127.0.0.1', port: front.port });
    socket.write(
      'POST /ipp/print/laser HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ipp\r\n' +
        `Content-Length: ${10 * 2 ** 30}\r\n\r\n`,
    );
    socket.write(request);
    let answer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])));
    const body = () => answer.indexOf('\r\n\r\n') + 4;
    await until(() => body() > 3 && answer.length > body() + 8, { what: 'an answer', withinMs: 10_000 });
    socket.destroy();
    const { message } = decodeIpp(answer.subarray(body()), 'response');
    expect(statusName(message.status)).toBe(tooLarge);
  });
});

describe('what belongs to others', () => {
  test('a job of somebody else is neither cancelled nor added to nor read', async () => {
    const id = jobIdOf(await client.ask('Create-Job', { user: 'anna', operation: { 'job-name': name('Salaries') } }));
    const operation = { 'job-id': integer(id), 'last-document': boolean(true) };
    for (const act of ['Cancel-Job', 'Send-Document', 'Close-Job', 'Hold-Job', 'Release-Job'] as const) {
      const status = statusOf(await client.ask(act, { operation, user: 'eve', document: text.document }));
      expect([act, status]).toEqual([
        act,
        expect.stringMatching(/^client-error-not-authorized|^server-error-operation-not-supported/),
      ]);
    }
    const told = groupOf(await client.ask('Get-Job-Attributes', { operation, user: 'eve' }), 'job');
    expect(firstString(told, 'job-name')).not.toBe('Salaries');
    expect(firstString(told, 'job-originating-user-name')).not.toBe('anna');
    expect(statusOf(await client.ask('Cancel-Job', { operation, user: 'anna' }))).toBe(success);
  });

  test.each([0, -1, 2 ** 31 - 1, -(2 ** 31)])('job %s is not found', async (id) => {
    for (const act of ['Get-Job-Attributes', 'Cancel-Job'] as const)
      expect(statusOf(await client.ask(act, { operation: { 'job-id': integer(id) } }))).toBe('client-error-not-found');
  });

  test.each([
    ['of a queue that is not shared', 'broken'],
    ['of no queue', 'nobody'],
    ['that climbs', 'laser/../broken'],
    ['that climbs encoded', '%2e%2e%2fbroken'],
    ['with more behind it', 'laser/1/2'],
    ['that cannot be decoded', '%ff%'],
    ['of JavaScript', '__proto__'],
  ])('a printer-uri %s is not found', async (_, queue) => {
    const path = `/ipp/print/${queue}`;
    const request = requestOf('Print-Job', { 'printer-uri': uri(front.uri(queue)) });
    for (const at of [path, '/ipp/print/laser'])
      expect(statusOf(await client.send(request, text.document, at))).toBe('client-error-not-found');
  });

  test('a printer-uri of another host is answered for this one, and nobody is asked there', async () => {
    const response = await client.print({ ...text, uri: 'ipp://printer.example.com:631/ipp/print/laser' });
    expect(statusOf(response)).toBe(success);
    expect(firstString(groupOf(response, 'job'), 'job-uri')).toMatch(
      new RegExp(`^ipp://127\\.0\\.0\\.1:${front.port}/`),
    );
  });
});

describe('a document that is none', () => {
  test.each([
    ['PJL behind a PDF claim', '\u001b%-12345X@PJL INITIALIZE\r\n'],
    ['PJL before a PDF', '\u001b%-12345X@PJL ENTER LANGUAGE=PDF\r\n%PDF-1.7\n'],
    ['PostScript behind a PDF claim', '%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n'],
    ['text behind a PDF claim', 'Hello'],
  ])('%s is refused', async (_, content) => {
    const operation = { 'document-format': mimeMediaType('application/pdf') };
    const response = await client.print({ operation, document: Buffer.from(content) });
    expect(statusOf(response)).toBe('client-error-document-format-error');
  });
});

test('all the while the colleague printed, a restart lost nothing, and nothing is where nothing should be', async () => {
  await colleague.stop();
  await settled();
  expect(colleague.statuses.length).toBeGreaterThan(3);
  expect(new Set(colleague.statuses)).toEqual(new Set([success]));
  const options = await cups.printedWith('options');
  expect(options.join('\n')).not.toMatch(/touch|stranger|proto|constructor|polluted|passwd|\.\.|copies|custom|three/);
  const jobs = printing.service.jobs();
  expect(new Set(jobs.filter(({ from }) => from.includes('colleague')).map(({ state }) => state))).toEqual(
    new Set(['completed']),
  );
  await front[Symbol.asyncDispose]();
  await printing[Symbol.asyncDispose]();
  await startFront();
  expect(printing.service.jobs().map(({ uuid }) => uuid)).toEqual(jobs.map(({ uuid }) => uuid));
  const there = await readdir(folder, { recursive: true });
  expect(there.filter((path) => !/^(files|home|state)(\/|$)/.test(path))).toEqual([]);
  expect(there.filter((path) => /cron|passwd|etc/.test(path) && !path.startsWith('files/'))).toEqual([]);
  expect(existsSync(canary)).toBe(false);
});

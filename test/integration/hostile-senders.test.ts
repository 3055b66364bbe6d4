// needs: namespaces
/**
 * Senders who mean harm by their number and their pace, at a real port for guests with a real spool and the PDF printer
 * behind it. Each has an address of its own on loopback. They are refused or cut off, what they take is bounded, and a
 * colleague prints all the while.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { createGuestPort, type GuestPort } from '../../agent/peers/guest-port.ts';
import { httpTimeouts } from '../../agent/peers/http-door.ts';
import { openPdfPrinter } from '../../agent/platform/pdf-printer.ts';
import {
  boolean,
  firstString,
  groupOf,
  groupsOf,
  integer,
  keyword,
  mimeMediaType,
  requestOf,
  uri,
  type AttributeTable,
} from '../../agent/printing/ipp-attributes.ts';
import { decodeIpp } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { statusName } from '../../agent/printing/ipp-tables.ts';
import { defaultConfig } from '../../config/schema.ts';
import { QueueName } from '../../protocol/ids.ts';
import { onePagePdf } from '../office/documents.ts';
import { count } from '../office/counts.ts';
import { until } from '../office/until.ts';
import { makeIdentity } from '../peers/network-support.ts';
import { FrontClient, jobIdOf, statusOf, type Ask } from '../printing/front-client.ts';
import { memoryConfig, startPrinting, type TestPrinting } from '../printing/print-support.ts';

const success = 'successful-ok';
const largestDocument = 8 * 2 ** 20;
/** Of the spool's disk beyond the reserve, about. */
const room = 32 * 2 ** 20;
const document = onePagePdf(500);

let folder: string;
let printing: TestPrinting;
let guests: GuestPort;
const front = { port: 0, uri: (queue: string) => `ipp://127.0.0.1:${front.port}/ipp/print/${queue}` };

/** Attacker and colleague are told apart by their addresses, as guests are. */
const eve = new FrontClient(() => front, '127.0.0.66');
const colleague = new FrontClient(() => front, '127.0.0.7');

const ofPdf = (client: FrontClient, more: Ask = {}) =>
  client.send(
    requestOf(
      'Print-Job',
      { 'printer-uri': uri(front.uri('PDF')), 'document-format': mimeMediaType('application/pdf'), ...more.operation },
      ...(more.job === undefined
        ? []
        : [{ group: 'job' as const, attributes: new Map(Object.entries(more.job as object)) }]),
    ),
    more.document ?? document,
    '/ipp/print/PDF',
  );

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '::');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-senders-'));
  await mkdir(join(folder, 'home'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', join(folder, 'home')]);
  const pdf = await openPdfPrinter({
    folder: join(folder, 'files'),
    stateFolder: join(folder, 'pdf'),
    clock: systemClock,
  });
  const config = memoryConfig({
    printers: [{ queue: QueueName.parse('PDF'), audience: 'everyone' }],
    printing: { ...defaultConfig.printing, largestDocument, reserve: 16 * 2 ** 20 },
  });
  printing = await startPrinting({ backends: { pdf }, config, folder: join(folder, 'home') });
  front.port = await freePort();
  guests = createGuestPort({
    port: front.port,
    identity: makeIdentity(),
    routes: [printing.service.ippRoute],
    onLink: (address) => address.startsWith('127.'),
    clock: systemClock,
    log: silentLog,
    // A minute each in earnest.
    settings: {
      bodies: { stall: 4_000, leastRate: 64 },
      handshakeMs: 2_000,
      timeouts: { ...httpTimeouts, headersTimeout: 2_000, keepAliveTimeout: 4_000, connectionsCheckingInterval: 200 },
    },
  });
  await guests.setOpen(true);
  await until(() => printing.service.printers().length === 1, { what: 'the printer', withinMs: 10_000 });
});

afterAll(async () => {
  for (const client of [eve, colleague]) client.close();
  await guests?.[Symbol.asyncDispose]();
  await printing?.[Symbol.asyncDispose]();
  execFileSync('umount', ['-l', join(folder, 'home')]);
  await rm(folder, { recursive: true, force: true });
});

/** Prints one after the other while a test runs, and is never refused. */
let others: { stop: boolean; readonly statuses: string[]; readonly done: Promise<void> };

beforeEach(() => {
  const statuses: string[] = [];
  const work = async (): Promise<void> => {
    do {
      statuses.push(statusOf(await ofPdf(colleague)));
      await new Promise((resolve) => setTimeout(resolve, 200));
    } while (!others.stop);
  };
  others = { stop: false, statuses, done: Promise.resolve().then(work) };
});
afterEach(async () => {
  others.stop = true;
  await others.done;
  expect(others.statuses.length).toBeGreaterThan(0);
  expect(new Set(others.statuses)).toEqual(new Set([success]));
  await until(() => waiting().length === 0, { what: () => JSON.stringify(waiting()), withinMs: 20_000 });
});
const waiting = () => jobsOf('127.0.0.7').filter(({ state }) => !['completed', 'canceled'].includes(state));

/** But for what the colleague is just printing. */
async function spoolIsEmpty(): Promise<void> {
  const documents = join(folder, 'home', 'spool', 'documents');
  await until(async () => (await readdir(documents)).length === 0, {
    what: 'an empty spool',
    withinMs: 20_000,
    everyMs: 20,
  });
}
const jobsOf = (address: string) => printing.service.jobs().filter(({ from }) => from.endsWith(` on ${address}`));

describe('a thousand jobs', () => {
  // 560 of them in a short run.
  test('of one sender are taken up to 500, the rest is told to wait, and all are gone when he takes them back', async () => {
    const before = process.memoryUsage.rss();
    const held = { 'job-hold-until': keyword('indefinite') } as unknown as AttributeTable;
    const statuses: string[] = [];
    for (let lot = 0; lot < count(70, 125); lot++)
      statuses.push(...(await Promise.all(Array.from({ length: 8 }, () => ofPdf(eve, { job: held })))).map(statusOf));
    const taken = statuses.filter((status) => status === success).length;
    // Of eight at once the last ones may be looked at before the first are counted.
    expect(taken).toBeGreaterThanOrEqual(500);
    expect(taken).toBeLessThan(508);
    expect(new Set(statuses.slice(taken + 8))).toEqual(new Set(['server-error-busy']));
    expect(jobsOf('127.0.0.66').filter(({ state }) => state === 'pending-held')).toHaveLength(taken);
    console.log(
      `${statuses.length} jobs: ${taken} taken, ${Math.round((process.memoryUsage.rss() - before) / 2 ** 20)} MB more`,
    );

    const all = requestOf('Get-Jobs', { 'printer-uri': uri(front.uri('PDF')), limit: integer(2_000) });
    expect(groupsOf(await eve.send(all, undefined, '/ipp/print/PDF'), 'job').length).toBeLessThanOrEqual(1_000);
    const mine = requestOf('Cancel-My-Jobs', { 'printer-uri': uri(front.uri('PDF')) });
    expect(statusOf(await eve.send(mine, undefined, '/ipp/print/PDF'))).toBe(success);
    await spoolIsEmpty();
    // Those that were idle meanwhile may just be closing.
    eve.close();
    expect(statusOf(await ofPdf(eve))).toBe(success);
  });
});

test('large documents of one sender take half of the disk, and there is room for others', async () => {
  const job = { 'job-hold-until': keyword('indefinite') } as unknown as AttributeTable;
  const large = onePagePdf(3 * 2 ** 20);
  const statuses: string[] = [];
  for (let time = 0; time < 12; time++) statuses.push(statusOf(await ofPdf(eve, { job, document: large })));
  const taken = statuses.filter((status) => status === success).length;
  console.log(`12 documents of 3 MiB on a disk with room for ten: ${taken} taken`);
  expect(taken * large.length).toBeLessThanOrEqual(room / 2);
  expect(taken).toBeGreaterThan(2);
  expect(new Set(statuses.slice(taken))).toEqual(new Set(['server-error-temporary-error']));
  expect(statusOf(await ofPdf(colleague, { document: large }))).toBe(success);
  const mine = requestOf('Cancel-My-Jobs', { 'printer-uri': uri(front.uri('PDF')) });
  expect(statusOf(await eve.send(mine, undefined, '/ipp/print/PDF'))).toBe(success);
  await spoolIsEmpty();
});

const openSockets: Socket[] = [];
afterEach(() => {
  for (const socket of openSockets.splice(0)) socket.destroy();
});

async function socketFrom(localAddress: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: front.port, localAddress });
  socket.on('error', () => undefined);
  openSockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** Also by a reset: what is still sent then meets nobody. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

const post =
  'POST /ipp/print/PDF HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/ipp\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
const printRequest = () => encodeIpp(requestOf('Print-Job', { 'printer-uri': uri(front.uri('PDF')) }));

/** Half of what is asked for, and then a byte a second. */
async function drips(from: string, ...begin: readonly Uint8Array[]): Promise<() => Promise<void>> {
  const socket = await socketFrom(from);
  const closed = ended(socket);
  socket.resume();
  socket.write(post);
  for (const piece of begin) socket.write(chunk(piece));
  const drip = setInterval(() => socket.write(chunk(Buffer.from('x'))), 1_000);
  return async () => {
    await closed;
    clearInterval(drip);
  };
}

test('slow senders of one byte a second are cut off, in whichever part they drip, and leave nothing', async () => {
  const create = requestOf('Create-Job', { 'printer-uri': uri(front.uri('PDF')) });
  const id = jobIdOf(await eve.send(create, undefined, '/ipp/print/PDF'));
  const operation = { 'printer-uri': uri(front.uri('PDF')), 'job-id': integer(id), 'last-document': boolean(true) };
  const half = document.subarray(0, 40);
  const slow = await Promise.all([
    ...Array.from({ length: 8 }, (_, at) => drips(`127.0.1.${at + 1}`, printRequest(), half)),
    ...Array.from({ length: 8 }, (_, at) => drips(`127.0.1.${at + 1}`, printRequest().subarray(0, 30))),
    drips('127.0.0.66', encodeIpp(requestOf('Send-Document', operation)), half),
  ]);
  const printed = others.statuses.length;
  await Promise.all(slow.map((wait) => wait()));
  expect(others.statuses.length).toBeGreaterThan(printed);
  const made = () => printing.service.jobs().find((job) => job.id === id);
  await until(() => made()?.state === 'aborted', {
    what: () => `the end of ${JSON.stringify(made())}`,
    withinMs: 10_000,
  });
  await spoolIsEmpty();
  expect(printing.service.jobs().filter(({ from }) => from.includes(' on 127.0.1.'))).toEqual([]);
});

const idle = [
  '',
  'POST /ipp/print/PDF HTTP/1.1\r\nHost: 127',
  post,
  'GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
];

test('a hundred idle connections of one sender are 32 at most, and end: silent, in the head, in the body, answered', async () => {
  const sockets = await Promise.all(Array.from({ length: 100 }, () => socketFrom('127.0.0.88')));
  let open = sockets.length;
  for (const [at, socket] of sockets.entries()) {
    socket.once('close', () => open--);
    socket.resume();
    socket.write(idle[at % idle.length] ?? '');
  }
  await until(() => open <= 32, { what: () => `32 connections, not ${open}`, withinMs: 5_000 });
  const printed = others.statuses.length;
  await until(() => others.statuses.length > printed + 1, { what: 'the colleague', withinMs: 10_000 });
  await until(() => open === 0, { what: () => `the end of ${open} connections`, withinMs: 30_000 });
  // Whoever was one of them may come again.
  const again = await socketFrom('127.0.0.88');
  again.write('GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
  expect(String((await once(again, 'data'))[0])).toMatch(/^HTTP\/1\.1 404/);
});

test('a document without end is refused at its limit, and its connection ends', async () => {
  const socket = await socketFrom('127.0.0.66');
  const closed = ended(socket);
  let answer = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => (answer = Buffer.concat([answer, piece])));
  socket.write(post);
  socket.write(chunk(printRequest()));
  socket.write(chunk(Buffer.from('%PDF-1.7\n')));
  const filler = chunk(Buffer.alloc(64 * 1024, 0x20));
  const pour = setInterval(() => socket.writableLength < filler.length && socket.write(filler), 2);
  try {
    await until(() => answer.includes('\r\n\r\n'), { what: 'an answer', withinMs: 15_000 });
    const { message } = decodeIpp(answer.subarray(answer.indexOf('\r\n\r\n') + 4), 'response');
    expect(statusName(message.status)).toBe('client-error-request-entity-too-large');
    await closed;
  } finally {
    clearInterval(pour);
  }
  expect(socket.bytesWritten).toBeGreaterThan(largestDocument);
  await spoolIsEmpty();
});

describe('commands of a printer', () => {
  const pjl = '\u001b%-12345X@PJL SET COPIES=999\r\n@PJL ENTER LANGUAGE=POSTSCRIPT\r\n';
  const postscript = '%!PS\n{showpage} loop\n';
  const none = 'client-error-document-format-not-supported';
  const wrong = 'client-error-document-format-error';

  test.each([
    ['PJL', pjl],
    ['PostScript', postscript],
    ['PostScript behind a mark of UTF-8', `\ufeff${postscript}`],
    ['PJL after white space', `\n \t${pjl.slice(9)}`],
  ])('%s is refused under every claim, packed or not', async (_, content) => {
    for (const [claim, status] of [
      ['application/pdf', wrong],
      ['text/plain', wrong],
      ['image/jpeg', wrong],
      ['image/urf', wrong],
      ['application/octet-stream', none],
    ] as const) {
      const operation = { 'document-format': mimeMediaType(claim) };
      const packed = { ...operation, compression: keyword('gzip') };
      expect([claim, statusOf(await ofPdf(eve, { operation, document: Buffer.from(content) }))]).toEqual([
        claim,
        status,
      ]);
      expect([claim, statusOf(await ofPdf(eve, { operation: packed, document: gzipSync(content) }))]).toEqual([
        claim,
        status,
      ]);
    }
    await spoolIsEmpty();
  });

  test.each(['application/postscript', 'application/vnd.hp-pcl', 'application/vnd.cups-raw'])(
    'a claim of %s is refused before the document is looked at',
    async (claim) => {
      const operation = { 'document-format': mimeMediaType(claim) };
      expect(statusOf(await ofPdf(eve, { operation, document }))).toBe(none);
    },
  );
});

test('the name of a user is no key: from another address his job is somebody else’s', async () => {
  const job = { 'job-hold-until': keyword('indefinite') } as unknown as AttributeTable;
  const operation = { 'requesting-user-name': [{ tag: 'name', value: 'colleague' }] } as const;
  const id = jobIdOf(await ofPdf(colleague, { job, operation }));
  const subject = { 'printer-uri': uri(front.uri('PDF')), ...operation, 'job-id': integer(id) };
  for (const act of ['Cancel-Job', 'Release-Job', 'Hold-Job', 'Close-Job'] as const) {
    const response = await eve.send(requestOf(act, subject), undefined, '/ipp/print/PDF');
    expect([act, statusOf(response)]).toEqual([act, 'client-error-not-authorized']);
  }
  const mine = requestOf('Cancel-My-Jobs', { ...subject, 'job-ids': integer(id) });
  expect(statusOf(await eve.send(mine, undefined, '/ipp/print/PDF'))).toBe('client-error-not-found');
  const told = await eve.send(requestOf('Get-Job-Attributes', subject), undefined, '/ipp/print/PDF');
  expect(firstString(groupOf(told, 'job'), 'job-originating-user-name')).not.toBe('colleague');
  expect(statusOf(await colleague.send(requestOf('Cancel-Job', subject), undefined, '/ipp/print/PDF'))).toBe(success);
});

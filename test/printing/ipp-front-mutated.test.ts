/** Messages of real clients with a few bytes changed, at the whole front: every one is answered, soon. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import {
  boolean,
  group,
  integer,
  keyword,
  mimeMediaType,
  name,
  requestOf,
  uri,
} from '../../agent/printing/ipp-attributes.ts';
import { decodeIpp } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { QueueName } from '../../protocol/ids.ts';
import { until } from '../office/until.ts';
import { seeded } from '../sim/clock.ts';
import { anna, guest, memoryConfig, startPrinting } from './print-support.ts';
import { fastClock, ScriptedBackend, ScriptedDevice } from './scripted-device.ts';

const runs = process.env['NETHOOD_TEST_LONG'] === undefined ? 20_000 : 100_000;
const slowestMs = 2_000;
const to = { 'printer-uri': uri('ipp://localhost/ipp/print/laser'), 'requesting-user-name': name('dora') };
const document = Buffer.from('%PDF-1.4\nmutated\n');

const corpus = [
  encodeIpp(requestOf('Get-Printer-Attributes', { ...to, 'requested-attributes': keyword('all') })),
  Buffer.concat([
    encodeIpp(
      requestOf(
        'Print-Job',
        { ...to, 'job-name': name('Report'), 'document-format': mimeMediaType('application/pdf') },
        group('job', { copies: integer(2), sides: keyword('one-sided') }),
      ),
    ),
    document,
  ]),
  encodeIpp(requestOf('Validate-Job', { ...to, 'ipp-attribute-fidelity': boolean(true) })),
  encodeIpp(requestOf('Create-Job', to)),
  Buffer.concat([
    encodeIpp(requestOf('Send-Document', { ...to, 'job-id': integer(1), 'last-document': boolean(true) })),
    document,
  ]),
  encodeIpp(requestOf('Get-Jobs', { ...to, 'which-jobs': keyword('all'), limit: integer(5) })),
  encodeIpp(requestOf('Get-Job-Attributes', { ...to, 'job-id': integer(1) })),
  encodeIpp(requestOf('Cancel-Job', { 'job-uri': uri('ipp://localhost/ipp/print/laser/1') })),
];

function mutate(bytes: Buffer, random: () => number): Buffer {
  let mutated = Buffer.from(bytes);
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
    const at = Math.floor(random() * mutated.length);
    const kind = Math.floor(random() * 4);
    if (kind === 0 && at < mutated.length) mutated.writeUInt8(Math.floor(random() * 256), at);
    else if (kind === 1) mutated = mutated.subarray(0, at);
    else if (kind === 2)
      mutated = Buffer.concat([mutated.subarray(0, at), Buffer.from([0xff, 0xfa]), mutated.subarray(at)]);
    else mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + 1 + Math.floor(random() * 8))]);
  }
  return mutated;
}

interface Answered {
  readonly status: number;
  readonly body: Buffer;
}

/** What the route sees of HTTP, without a socket. */
function exchangeOf(bytes: Buffer): {
  request: IncomingMessage;
  response: ServerResponse;
  answered: Promise<Answered>;
} {
  const halves = [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)].filter(
    ({ length }) => length > 0,
  );
  const request = Object.assign(Readable.from(halves, { objectMode: false }), {
    method: 'POST',
    headers: { 'content-type': 'application/ipp', host: 'localhost:6632' },
    socket: { localPort: 6632 },
  });
  let status = 0;
  let done: (answer: Answered) => void;
  const answered = new Promise<Answered>((resolve) => (done = resolve));
  const response = {
    destroyed: false,
    setHeader: () => response,
    writeHead: (code: number) => {
      status = code;
      return response;
    },
    end: (body: Buffer | string) => done({ status, body: Buffer.from(body) }),
  };
  return { request: request as unknown as IncomingMessage, response: response as unknown as ServerResponse, answered };
}

test(`${runs} mutated messages are answered, each within ${slowestMs} ms`, async () => {
  const cups = new ScriptedBackend(new ScriptedDevice(), { clock: fastClock() });
  const config = memoryConfig({ printers: [{ queue: QueueName.parse('laser'), audience: 'everyone' }] });
  await using printing = await startPrinting({ backends: { cups }, config, clock: fastClock() });
  await until(() => printing.service.printers().length === 1, { what: 'the printer', withinMs: 5000 });
  const random = seeded(8011);
  const statuses = new Map<number, number>();
  const { signal } = new AbortController();
  let slowest = 0;
  for (let run = 0; run < runs; run++) {
    const bytes = mutate(corpus[Math.floor(random() * corpus.length)] ?? Buffer.alloc(0), random);
    const { request, response, answered } = exchangeOf(bytes);
    const begin = performance.now();
    const asker = run % 2 === 0 ? guest : anna;
    await printing.service.ippRoute.handle({ asker, address: '::1', path: 'laser', request, response, signal });
    const { status, body } = await answered;
    slowest = Math.max(slowest, performance.now() - begin);
    const code = status === 200 ? decodeIpp(body, 'response').message.status : status;
    statuses.set(code, (statuses.get(code) ?? 0) + 1);
  }
  expect(slowest).toBeLessThan(slowestMs);
  expect(statuses.get(0x0500), 'faults of our own').toBeUndefined();
  expect(statuses.get(0x0000), 'some are still valid').toBeGreaterThan(0);
  expect(statuses.get(0x0400), 'most are bad requests').toBeGreaterThan(runs / 10);
}, 600_000);

import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { group, integer, name, operationGroup, requestOf, text } from '../../agent/printing/ipp-attributes.ts';
import { askIpp, ippRequest, type IppTarget } from '../../agent/printing/ipp-client.ts';
import { readIppMessage } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import type { IppResponse } from '../../agent/printing/ipp-values.ts';

const signal = AbortSignal.timeout(60_000);
const request = requestOf('Print-Job', { 'job-name': name('x') });
const ended: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

function answer(status = 0): IppResponse {
  const groups = [operationGroup({ 'status-message': text('so it is') }), group('job', { 'job-id': integer(7) })];
  return { version: { major: 2, minor: 0 }, status, requestId: 1, groups };
}

function reply(response: ServerResponse, message: IppResponse | Buffer = answer()): void {
  response.setHeader('Content-Type', 'application/ipp');
  response.end(Buffer.isBuffer(message) ? message : encodeIpp(message));
}

async function listening(server: Server, path?: string): Promise<number> {
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  ended.push(async () => {
    if ('closeAllConnections' in server) (server as ReturnType<typeof createServer>).closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
  });
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}

async function serve(handler: RequestListener): Promise<IppTarget> {
  const port = await listening(createServer(handler));
  return { transport: { host: '127.0.0.1', port }, path: '/ipp/print/laser', what: 'The printer' };
}

/** The whole document, and what came before it. */
async function received(incoming: IncomingMessage) {
  const { message, body } = await readIppMessage(incoming, 'request');
  return { message, document: await buffer(body), headers: incoming.headers, url: incoming.url };
}

function large(): Readable {
  return Readable.from([Buffer.alloc(2 ** 22), Buffer.alloc(2 ** 22)]);
}

function broken(): Readable {
  return new Readable({
    read() {
      this.destroy(new Error('the disk failed'));
    },
  });
}

function missing(): Readable {
  throw new Error('no such document');
}

describe('Asking by IPP', () => {
  test('sends the request and reads the answer', async () => {
    let seen: Awaited<ReturnType<typeof received>> | undefined;
    const target = await serve((incoming, response) => {
      void received(incoming)
        .then((all) => (seen = all))
        .then(() => reply(response));
    });
    expect(await ippRequest(target, request, { signal })).toEqual(answer());
    expect(seen?.message).toEqual(request);
    expect(seen?.url).toBe('/ipp/print/laser');
    expect(seen?.headers).toMatchObject({ 'content-type': 'application/ipp', 'content-length': expect.any(String) });
  });

  test('sends a document behind it in chunks, byte for byte', async () => {
    const document = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 256));
    let seen: Awaited<ReturnType<typeof received>> | undefined;
    const target = await serve((incoming, response) => {
      void received(incoming)
        .then((all) => (seen = all))
        .then(() => reply(response));
    });
    await ippRequest(target, request, { signal, document: () => Readable.from([document]) });
    expect(seen?.document.equals(document)).toBe(true);
    expect(seen?.headers['transfer-encoding']).toBe('chunked');
  });

  test('goes by a domain socket, and by the agent of a neighbour with the name that belongs to it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nh-ipp-'));
    ended.push(() => rm(folder, { recursive: true }));
    const socketPath = join(folder, 'cups.sock');
    const hosts: (string | undefined)[] = [];
    const server = createServer((incoming, response) => {
      hosts.push(incoming.headers.host);
      incoming.resume().on('end', () => reply(response));
    });
    await listening(server, socketPath);
    const target = { path: '/', what: 'The printer' };
    expect((await ippRequest({ ...target, transport: { socketPath } }, request, { signal })).status).toBe(0);
    class OneNeighbour extends Agent {
      override createConnection() {
        return connect(socketPath);
      }
    }
    const agent = new OneNeighbour({ keepAlive: true });
    ended.push(async () => agent.destroy());
    const transport = { agent, host: 'nh-k3q7x2mf.local:6631' };
    await ippRequest({ ...target, transport }, request, { signal });
    await ippRequest({ ...target, transport }, request, { signal });
    expect(hosts.slice(1)).toEqual(['nh-k3q7x2mf.local:6631', 'nh-k3q7x2mf.local:6631']);
    // The second went by the socket of the first.
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
  });

  test('names to a neighbour the address under which it was reached, not the one that was known before', async () => {
    const hosts: (string | undefined)[] = [];
    const server = createServer((incoming, response) => {
      hosts.push(incoming.headers.host);
      incoming.resume().on('end', () => reply(response));
    });
    const port = await listening(server);
    class Moved extends Agent {
      override createConnection() {
        return connect(port, '127.0.0.1');
      }
    }
    const agent = new Moved({ keepAlive: true });
    ended.push(async () => agent.destroy());
    const target = { path: '/', what: 'The printer', transport: { agent, host: '192.0.2.7:6631' } };
    await ippRequest(target, request, { signal });
    await ippRequest(target, request, { signal, document: () => Readable.from([Buffer.from('%PDF-1.4')]) });
    expect(hosts).toEqual([`127.0.0.1:${port}`, `127.0.0.1:${port}`]);
  });

  test('turns an unsuccessful status into its error, with the words of the other side', async () => {
    const target = await serve((incoming, response) => {
      incoming.resume().on('end', () => reply(response, answer(0x040a)));
    });
    await expect(askIpp(target, request, { signal })).rejects.toMatchObject({
      code: 'bad-document',
      message: 'The printer answered client-error-document-format-not-supported (so it is).',
    });
    expect((await ippRequest(target, request, { signal })).status).toBe(0x040a);
  });

  test.each([
    [302, 'bad-message'],
    [400, 'bad-request'],
    [401, 'not-permitted'],
    [403, 'not-permitted'],
    [404, 'not-found'],
    [413, 'too-large'],
    [429, 'busy'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    [507, 'no-space'],
  ])('takes HTTP status %s for %s and follows no redirect', async (status, code) => {
    let asked = 0;
    const target = await serve((incoming, response) => {
      asked++;
      incoming.resume();
      response
        .writeHead(status, { Location: '/elsewhere', 'Content-Type': 'application/ipp' })
        .end(encodeIpp(answer()));
    });
    await expect(ippRequest(target, request, { signal })).rejects.toMatchObject({ code });
    expect(asked).toBe(1);
  });

  test('takes a refusal that comes before the document is through', async () => {
    const target = await serve((_, response) => reply(response, answer(0x0507)));
    let destroyed = false;
    const endless = (): Readable =>
      new Readable({
        read() {
          this.push(Buffer.alloc(65_536));
        },
        destroy(error, done) {
          destroyed = true;
          done(error);
        },
      });
    await expect(askIpp(target, request, { signal, document: endless })).rejects.toMatchObject({ code: 'busy' });
    expect(destroyed).toBe(true);
  });

  test.each([
    [
      'an answer that is no IPP',
      (response: ServerResponse) => response.setHeader('Content-Type', 'text/html').end('<p>'),
    ],
    ['an answer that breaks off', (response: ServerResponse) => reply(response, encodeIpp(answer()).subarray(0, 30))],
    ['an empty answer', (response: ServerResponse) => reply(response, Buffer.alloc(0))],
  ])('refuses %s', async (_, act) => {
    const target = await serve((incoming, response) => {
      incoming.resume().on('end', () => act(response));
    });
    await expect(ippRequest(target, request, { signal })).rejects.toMatchObject({ code: 'bad-message' });
  });

  test('refuses an answer without end', async () => {
    const target = await serve((incoming, response) => {
      incoming.resume();
      response.setHeader('Content-Type', 'application/ipp');
      response.write(Buffer.from('0200000000000001', 'hex'));
      Readable.from(
        (function* () {
          for (;;) yield Buffer.from('02'.repeat(1_000), 'hex');
        })(),
      ).pipe(response);
    });
    await expect(ippRequest(target, request, { signal })).rejects.toMatchObject({ code: 'too-large' });
  });

  test('names who is not there', async () => {
    const target: IppTarget = { transport: { socketPath: '/nowhere/cups.sock' }, path: '/', what: 'The print system' };
    await expect(ippRequest(target, request, { signal })).rejects.toMatchObject({
      code: 'unreachable',
      message: 'The print system cannot be reached (ENOENT).',
    });
  });

  test('is interrupted when the connection breaks', async () => {
    const server = createTcpServer((socket) => void socket.once('data', () => socket.destroy()));
    const port = await listening(server);
    const target: IppTarget = { transport: { host: '127.0.0.1', port }, path: '/', what: 'The printer' };
    await expect(ippRequest(target, request, { signal })).rejects.toMatchObject({ code: 'interrupted' });
    await expect(ippRequest(target, request, { signal, document: large })).rejects.toMatchObject({
      code: 'interrupted',
    });
  });

  test('gives up on silence, and on an answer that drips', async () => {
    const silent = await serve((incoming) => void incoming.resume());
    const deadlines = { answer: 100, stall: 100 };
    await expect(ippRequest(silent, request, { signal, deadlines })).rejects.toMatchObject({ code: 'timeout' });
    const dripping = await serve((incoming, response) => {
      incoming.resume();
      response.setHeader('Content-Type', 'application/ipp');
      const bytes = encodeIpp(answer());
      let at = 0;
      const drip = setInterval(() => response.write(bytes.subarray(at, ++at)), 20);
      response.once('close', () => clearInterval(drip));
    });
    await expect(ippRequest(dripping, request, { signal, deadlines })).rejects.toMatchObject({ code: 'timeout' });
  });

  test('throws the reason of its signal, and the fault of its document, as they are', async () => {
    const silent = await serve((incoming) => void incoming.resume());
    const controller = new AbortController();
    const waiting = ippRequest(silent, request, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(ippRequest(silent, request, { signal, document: broken })).rejects.toThrow('the disk failed');
    await expect(ippRequest(silent, request, { signal, document: missing })).rejects.toThrow('no such document');
  });
});

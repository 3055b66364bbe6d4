import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { PeerBody } from '../../agent/files/peer-body.ts';
import { createRemoteTree } from '../../agent/files/remote-tree.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { pathFromComponents } from '../../protocol/wire-path.ts';
import { annaId, AnnasShare, codeOf } from './files-support.ts';

type SendTo = (to: ServerResponse) => Promise<void>;

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function answering(answer: RequestListener): Promise<() => Promise<IncomingMessage>> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true });
  scope.defer(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return async () => {
    const [response] = (await once(request({ port, host: '127.0.0.1', agent }).end(), 'response')) as [IncomingMessage];
    return response;
  };
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  return Buffer.concat((await stream.toArray()) as Buffer[]);
}

describe("the body of a neighbour's answer", () => {
  it('is its bytes, and leaves its connection to the next request', async () => {
    const content = randomBytes(5_000_000);
    const ask = await answering((_, response) => response.end(content));
    const first = await ask();
    const { socket } = first;
    expect((await bytesOf(new PeerBody(first, 'Anna'))).equals(content)).toBe(true);
    const second = await ask();
    expect(second.socket).toBe(socket);
    expect((await bytesOf(new PeerBody(second, 'Anna'))).length).toBe(content.length);
  });

  it('is not read ahead of who reads it', async () => {
    let sent = 0;
    const ask = await answering((_, response) => {
      const source = new Readable({
        read() {
          sent += 65_536;
          this.push(Buffer.alloc(65_536));
        },
      });
      source.pipe(response);
    });
    const response = await ask();
    const body = new PeerBody(response, 'Anna');
    body.read(0);
    await expect.poll(() => response.isPaused()).toBe(true);
    // What the kernel holds on the way comes on top.
    expect(sent).toBeLessThan(40 << 20);
    expect(body.readableLength).toBeLessThanOrEqual(2 << 20);
    body.destroy();
    await expect.poll(() => response.socket.destroyed).toBe(true);
  });

  it('breaks with the connection, and never looks whole', async () => {
    const ask = await answering((_, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      response.write(Buffer.alloc(500_000), () => response.socket?.destroy());
    });
    expect(await codeOf(bytesOf(new PeerBody(await ask(), 'Anna')))).toBe('interrupted');
  });
});

/** Opens what to send on for each request; `ends` says how each came to its end. */
async function passing(open: (signal: AbortSignal) => Promise<SendTo>): Promise<{ port: number; ends: string[] }> {
  const ends: string[] = [];
  const server = createServer((_, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new NethoodError('cancelled', 'They left.')));
    const sent = open(gone.signal).then((sendTo) => sendTo(response));
    sent.then(
      () => ends.push('whole'),
      (error: { code?: string }) => {
        ends.push(error.code ?? 'unknown');
        response.destroy();
      },
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, ends };
}

const sending =
  (ask: () => Promise<IncomingMessage>) =>
  async (signal: AbortSignal): Promise<SendTo> => {
    const response = await ask();
    const length = Number(response.headers['content-length']);
    return (to) => new PeerBody(response, 'Anna').sendTo(to, { length, clock: systemClock, signal });
  };

async function fetched(port: number): Promise<Buffer> {
  const [response] = (await once(request({ port, host: '127.0.0.1', agent: false }).end(), 'response')) as [Readable];
  return bytesOf(response);
}

describe("the body of a neighbour's answer that is sent on", () => {
  it.each([0, 1, 100_000, 40 << 20])('is the same %i bytes, and leaves the connection to the next', async (bytes) => {
    const content = randomBytes(bytes);
    const sockets = new Set<unknown>();
    const ask = await answering(({ socket }, response) => {
      sockets.add(socket);
      response.writeHead(200, { 'content-length': bytes }).end(content);
    });
    const { port, ends } = await passing(sending(ask));
    for (let turn = 0; turn < 3; turn++) expect((await fetched(port)).equals(content)).toBe(true);
    await expect.poll(() => ends).toEqual(['whole', 'whole', 'whole']);
    expect(sockets.size).toBe(1);
  });

  it('is the same bytes past the parser, of a file and of a part of it', async () => {
    const anna = await AnnasShare.open(scope, { secure: true });
    const content = randomBytes(40 << 20);
    await writeFile(join(anna.folder, 'large'), content);
    const tree = createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, anna.share);
    for (const range of [undefined, { start: 1, end: 30 << 20 }]) {
      const { port } = await passing(async (signal) => {
        const { sendTo } = await tree.read(pathFromComponents([Buffer.from('large')]), { range, signal });
        return sendTo as SendTo;
      });
      expect((await fetched(port)).equals(content.subarray(range?.start, range?.end))).toBe(true);
    }
  });

  it('comes as it is sent: what is there waits for nothing that is not', async () => {
    const ask = await answering((_, response) => {
      response.writeHead(200, { 'content-length': 20 << 20 });
      response.write(Buffer.alloc(1000));
    });
    const { port } = await passing(sending(ask));
    const asked = request({ port, host: '127.0.0.1', agent: false }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const [bytes] = (await once(response, 'data')) as [Buffer];
    expect(bytes.length).toBe(1000);
    asked.destroy();
  });

  it('is not taken faster than it can be sent on, and no more when nobody wants it', async () => {
    let sent = 0;
    const ask = await answering((_, response) => {
      response.writeHead(200, { 'content-length': 2 ** 30 });
      const source = new Readable({
        read() {
          sent += 65_536;
          this.push(Buffer.alloc(65_536));
        },
      });
      source.pipe(response).on('close', () => source.destroy());
    });
    const { port, ends } = await passing(sending(ask));
    const asked = request({ port, host: '127.0.0.1', agent: false }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.pause();
    let before = -1;
    await expect.poll(() => sent === before || ((before = sent), false), { interval: 300, timeout: 10_000 }).toBe(true);
    expect(sent).toBeLessThan(60 << 20);
    asked.on('error', () => undefined).destroy();
    await expect.poll(() => ends).toEqual([expect.stringMatching(/^(cancelled|interrupted)$/)]);
  });

  it('breaks with the connection, and never looks whole', async () => {
    const ask = await answering((_, response) => {
      response.writeHead(200, { 'content-length': 40 << 20 });
      response.write(Buffer.alloc(500_000), () => response.socket?.destroy());
    });
    const { port, ends } = await passing(sending(ask));
    await expect(fetched(port)).rejects.toThrow('aborted');
    expect(ends).toEqual(['interrupted']);
  });
});

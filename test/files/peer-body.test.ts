import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { PeerBody } from '../../agent/files/peer-body.ts';
import { codeOf } from './files-support.ts';

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

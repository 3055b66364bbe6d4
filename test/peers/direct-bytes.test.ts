import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { takeDirectly, withDirectBytes } from '../../agent/peers/direct-bytes.ts';
import { makeIdentity, portOf } from './network-support.ts';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

async function pair(): Promise<{ dialled: TLSSocket; accepted: TLSSocket }> {
  const { keyPem, certificatePem } = makeIdentity();
  const server = createServer({ key: keyPem, cert: certificatePem }).listen(0, '127.0.0.1');
  scope.defer(() => server.close());
  await once(server, 'listening');
  const way = { host: '127.0.0.1', port: portOf(server), rejectUnauthorized: false };
  const incoming = once(server, 'secureConnection');
  const dialled = withDirectBytes((options) => connect({ ...way, ...options }));
  await once(dialled, 'secureConnect');
  const [accepted] = (await incoming) as [TLSSocket];
  for (const socket of [dialled, accepted]) {
    socket.on('error', () => undefined);
    scope.defer(() => socket.destroy());
  }
  return { dialled, accepted };
}

const content = randomBytes(5_000_000);

describe('a socket whose bytes can be taken directly', () => {
  test('is a stream like any other until then: nothing it gave is written over', async () => {
    const { dialled, accepted } = await pair();
    accepted.end(content);
    const chunks: Buffer[] = [];
    for await (const bytes of dialled as AsyncIterable<Buffer>) chunks.push(bytes);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test('holds its sender back while nobody reads', async () => {
    const { dialled, accepted } = await pair();
    const more = Buffer.concat(Array.from({ length: 8 }, () => content));
    accepted.end(more);
    await once(dialled, 'readable');
    expect(dialled.readableLength).toBeLessThan(1 << 20);
    expect(accepted.writableLength).toBeGreaterThan(0);
    const chunks: Buffer[] = [];
    for await (const bytes of dialled as AsyncIterable<Buffer>) chunks.push(bytes);
    expect(Buffer.concat(chunks).equals(more)).toBe(true);
  });

  test('gives them all to the taker, who can pause it, and tells of the end', async () => {
    const { dialled, accepted } = await pair();
    const chunks: Buffer[] = [];
    const taken = takeDirectly(dialled, (bytes) => {
      chunks.push(Buffer.from(bytes));
      if (chunks.length % 50 !== 0) return;
      dialled.pause();
      setImmediate(() => dialled.resume());
    });
    expect(taken).toBe(true);
    accepted.end(content);
    await once(dialled, 'end');
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test('is refused where bytes wait in its stream, and where it was made elsewhere', async () => {
    const { dialled, accepted } = await pair();
    accepted.write('waiting');
    await once(dialled, 'readable');
    const taken: Buffer[] = [];
    expect(takeDirectly(dialled, (bytes) => taken.push(bytes))).toBe(false);
    expect(takeDirectly(accepted, (bytes) => taken.push(bytes))).toBe(false);
    expect([String(dialled.read()), taken]).toEqual(['waiting', []]);
  });
});

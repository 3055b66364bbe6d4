import { once } from 'node:events';
import { Agent, createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { asksToTell, mostUntold, toldBytes } from '../../agent/files/put-format.ts';
import { sendToPeer } from '../../agent/files/send-to-peer.ts';
import { annaId, never } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

const piece = Buffer.alloc(256 << 10);
const pieces = 40;

/** Sends 10 MiB to who answers so; gives the status. */
async function sent(answer: RequestListener, headers: object): Promise<number | undefined> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => server.close());
  const { port } = server.address() as AddressInfo;
  const agent = new Agent();
  Object.assign(agent, { createConnection: () => connect(port, '127.0.0.1') });
  const neighbours = { httpAgent: () => agent, httpHost: () => '127.0.0.1', get: () => undefined };
  const response = await sendToPeer(
    { neighbours, id: annaId, clock: systemClock },
    {
      path: '/',
      headers: { 'content-length': piece.length * pieces, ...headers },
      send: async (write) => {
        for (let at = 0; at < pieces; at++) await write(piece);
      },
      signal: never,
    },
  );
  response.resume();
  return response.statusCode;
}

it('has no more under way than its neighbour has told to be in files, and a little', async () => {
  const most: number[] = [];
  const answer: RequestListener = (request, response) => {
    let come = 0;
    let told = 0;
    const tell = (): void => {
      // What comes until now is all that comes without a word.
      most.push(come - told);
      if (come === piece.length * pieces) return void response.end();
      told += toldBytes;
      response.writeProcessing();
      setTimeout(tell, 50);
    };
    request.on('data', (bytes: Buffer) => {
      come += bytes.length;
      if (come === mostUntold) setTimeout(tell, 200);
    });
  };
  expect(await sent(answer, asksToTell)).toBe(200);
  expect(most[0]).toBe(mostUntold);
  expect(Math.max(...most)).toBeLessThan(mostUntold + piece.length);
});

it('sends on where nothing is told', async () => {
  expect(await sent((request, response) => void request.resume().on('end', () => response.end()), {})).toBe(200);
});

/** What a receiver says of itself to who puts: real requests, and time by hand. */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { SideLoad } from '../../agent/files/block-frames.ts';
import { asksForLoad, asksToTell, mostUntold, toldBytes } from '../../agent/files/put-format.ts';
import { sendToPeer } from '../../agent/files/send-to-peer.ts';
import { ToldBytes } from '../../agent/files/told-bytes.ts';
import { SimClock } from '../sim/clock.ts';
import { annaId, never } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let clock: SimClock;
let heard: SideLoad[];
let response: ServerResponse;
let told: ToldBytes;
let answered: Promise<IncomingMessage>;

/** Puts without a byte so far. */
async function begin(headers: object): Promise<void> {
  clock = new SimClock();
  heard = [];
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => server.close());
  const { port } = server.address() as AddressInfo;
  const agent = new Agent();
  Object.assign(agent, { createConnection: () => connect(port, '127.0.0.1') });
  const neighbours = { httpAgent: () => agent, httpHost: () => '127.0.0.1', get: () => undefined };
  const came = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  answered = sendToPeer(
    { neighbours, id: annaId, clock },
    {
      path: '/',
      headers: { ...headers, 'content-length': 0 },
      send: () => Promise.resolve(),
      heard: (load) => void heard.push(load),
      signal: never,
    },
  );
  const [request, answer] = await came;
  response = answer;
  told = scope.use(new ToldBytes({ request, response }, clock));
}

/** All that was said until now has been heard when the answer has. */
async function end(): Promise<void> {
  response.end();
  (await answered).resume();
}

const disks = (): number[] => heard.map(({ disk }) => disk);

describe('who asks for it', () => {
  beforeEach(() => begin({ ...asksToTell, ...asksForLoad }));

  it('hears of a disk that is behind, for as long as it is', async () => {
    told.taken(mostUntold - toldBytes);
    await clock.advance(1000);
    told.written(mostUntold - toldBytes);
    told.taken(toldBytes);
    await clock.advance(500);
    await end();
    expect(disks()).toEqual([100, 100, 0]);
  });

  it('hears of a disk that makes all safe in the end', async () => {
    told.taken(1000);
    told.written(1000);
    told.allTaken();
    await clock.advance(1500);
    await end();
    expect(disks()).toEqual([100, 100, 100]);
  });

  it('hears of a limit that is set there', async () => {
    void told.pacing(new Promise(() => undefined));
    await clock.advance(500);
    await end();
    expect(heard).toMatchObject([{ disk: 0, setting: 100 }]);
  });

  it('hears nothing where it sends next to nothing: that must not look like a body that moves', async () => {
    for (let second = 0; second < 50; second++) {
      told.taken(10);
      await clock.advance(1000);
    }
    await end();
    expect(heard).toEqual([]);
  });
});

it('who does not ask for it hears nothing of it', async () => {
  await begin(asksToTell);
  told.taken(mostUntold);
  await clock.advance(2000);
  await end();
  expect(heard).toEqual([]);
});

/** Two agents' file parts in one process: an owner with shares behind a real HTTP door, and a neighbour's view of it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, type IncomingMessage, request as httpRequest, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import type { ConfigStore } from '../../config/config-store.ts';
import { type Config, defaultConfig } from '../../config/schema.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { DeviceId, type ShareId } from '../../protocol/ids.ts';
import { features, peerResults } from '../../protocol/peer.ts';
import { type Clock, systemClock } from '../../agent/base/clock.ts';
import { Emitter } from '../../agent/base/emitter.ts';
import { silentLog } from '../../agent/base/log.ts';
import type { Scope } from '../../agent/base/scope.ts';
import { createFilesHandlers } from '../../agent/files/peer-handlers.ts';
import { createFilesRoute } from '../../agent/files/serve.ts';
import { createShares, type LocalShares } from '../../agent/files/shares.ts';
import type { TransfersDeps } from '../../agent/files/transfers.ts';
import { createUploads, type Uploads } from '../../agent/files/uploads.ts';
import { bodyLimits } from '../../agent/peers/body-watch.ts';
import { withDirectBytes } from '../../agent/peers/direct-bytes.ts';
import { HttpDoor } from '../../agent/peers/http-door.ts';
import type { Neighbour, NeighbourEvents } from '../../agent/peers/neighbours.ts';
import type { Asker } from '../../agent/trust/access.ts';
import type { Rights } from '../../protocol/resources.ts';
import { makeIdentity } from '../peers/network-support.ts';

export const annaId = DeviceId.parse('a'.repeat(52));
export const bobId = DeviceId.parse('b'.repeat(52));
export const bob: Asker = { kind: 'device', id: bobId, trust: 'stranger', onLink: true };
export const never: AbortSignal = new AbortController().signal;

export async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nh-files-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export class MemoryConfig implements ConfigStore {
  current: Config = defaultConfig;
  readonly events = new Emitter<{ changed: [Config] }>();
  readonly problem = undefined;

  update(change: (config: Config) => Config): Promise<Config> {
    this.current = change(this.current);
    this.events.emit('changed', this.current);
    return Promise.resolve(this.current);
  }
}

export async function openShares(
  scope: Scope,
  clock: Clock = systemClock,
): Promise<LocalShares & { config: MemoryConfig }> {
  const config = new MemoryConfig();
  const ownFolders = { closed: [], files: '/nowhere' };
  const stateFolder = await temporaryFolder(scope);
  const shares = scope.use(await createShares({ config, ownFolders, stateFolder, clock, log: silentLog }));
  return Object.assign(shares, { config });
}

interface OpenOptions {
  readonly secure?: boolean;
  readonly rights?: Rights;
  /** Of what she sends and receives. */
  readonly clock?: Clock;
}

interface Place {
  readonly folder: string;
  /** Its port. */
  readonly relay: number;
  readonly secure: boolean;
}

type FakeNeighbours = TransfersDeps['neighbours'];

/** Anna shares `folder`; `neighbours` is how Bob sees her. Traffic goes through a relay that can be cut. */
export class AnnasShare {
  readonly shares: LocalShares & { readonly config: MemoryConfig };
  readonly share: ShareId;
  readonly folder: string;
  readonly neighbours: FakeNeighbours;
  readonly url: string;
  /** Bytes to Bob after which the relay cuts all connections, once. */
  cutAfter = Number.POSITIVE_INFINITY;
  /** As `cutAfter`, of bytes from Bob. */
  takenAtMost = Number.POSITIVE_INFINITY;
  /** Bytes from Bob so far. */
  taken = 0;
  /** What a bad memory does to bytes on their way to Bob. */
  tamper: (bytes: Buffer) => void = () => undefined;
  /** What the network between carries in a second. */
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /** As an agent that knows nothing of blocks. */
  plain = false;
  readonly requests: string[] = [];
  features: ReadonlySet<string> = new Set(features);
  #away = false;
  readonly #sockets = new Set<Socket>();
  readonly #events = new Emitter<NeighbourEvents>();

  private constructor(shares: AnnasShare['shares'], uploads: Uploads, { folder, relay, secure }: Place) {
    this.shares = shares;
    this.folder = folder;
    const [view] = shares.list();
    if (view === undefined) throw new Error('nothing is shared');
    this.share = view.id;
    this.url = `http://127.0.0.1:${relay}`;
    const agent = new Agent({ keepAlive: true });
    const way = { host: '127.0.0.1', port: relay };
    const connectToRelay = (): Socket =>
      secure
        ? withDirectBytes((options) => connectTls({ ...way, ...options, rejectUnauthorized: false }))
        : connect(way);
    Object.assign(agent, { createConnection: connectToRelay });
    const handlers = createFilesHandlers(shares, uploads);
    this.neighbours = {
      events: this.#events,
      get: () => this.neighbour,
      httpAgent: () => agent,
      httpHost: () => '127.0.0.1',
      // As over a wire: through JSON and the schema of the answer.
      request: async (_id, type, asked, signal) => {
        if (this.#away) throw new NethoodError('unreachable', 'Anna cannot be reached.');
        const handler = handlers[type as 'list'] as (
          asker: Asker,
          ask: unknown,
          signal: AbortSignal,
        ) => Promise<unknown>;
        const result = await handler(bob, JSON.parse(JSON.stringify(asked)), signal ?? never);
        return peerResults[type].parse(JSON.parse(JSON.stringify(result))) as never;
      },
    };
  }

  /** @param secure by TLS and sockets as agents dial them, whose bytes can be taken directly */
  static async open(scope: Scope, options: OpenOptions = {}): Promise<AnnasShare> {
    const { secure = false, rights = 'read', clock = systemClock } = options;
    const folder = await temporaryFolder(scope);
    const shares = await openShares(scope);
    await shares.add({ folder, name: 'Public', audience: 'everyone', rights });
    const stateFolder = await temporaryFolder(scope);
    const uploads = scope.use(await createUploads({ stateFolder, clock, log: silentLog }));
    const own = { hostName: () => 'nh-aaaaaaaa.local', addresses: () => [] };
    const routes = [scope.use(createFilesRoute(shares, uploads))];
    const door = scope.use(new HttpDoor({ routes, own, clock: systemClock, log: silentLog, bodyLimits }));
    const answer: RequestListener = (request, response) => {
      anna.requests.push(`${request.method ?? ''} ${request.headers.range ?? ''}`.trim());
      if (anna.plain) delete request.headers.accept;
      void door.handle({ asker: bob, address: '127.0.0.1' }, request, response);
    };
    const http = secure ? secureServer(answer) : createServer(answer);
    const relay = createTcpServer((socket) => anna.#relay(socket, (http.address() as AddressInfo).port));
    for (const server of [http, relay]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      scope.defer(() => server.close());
    }
    const anna = new AnnasShare(shares, uploads, { folder, relay: (relay.address() as AddressInfo).port, secure });
    scope.defer(() => anna.cut());
    return anna;
  }

  get neighbour(): Neighbour {
    const resources = { shares: [...this.shares.visibleTo(bob)], printers: [] };
    const state = this.#away ? 'gone' : 'ready';
    const known = { id: annaId, name: 'Anna', addresses: [], port: 1, trust: 'stranger' } as const;
    return { ...known, state, resources, features: this.features, problem: undefined, lastSeen: undefined };
  }

  /** Breaks every connection, as a killed agent does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  set away(away: boolean) {
    this.#away = away;
    if (away) this.cut();
    this.#events.emit('changed', this.neighbour);
  }

  #relay(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    if (this.#away) client.destroy();
    client.on('end', () => server.end());
    client.on('data', (bytes: Buffer) => {
      this.taken += bytes.length;
      this.takenAtMost -= bytes.length;
      if (!server.write(bytes)) client.pause();
      if (this.takenAtMost > 0) return;
      this.takenAtMost = Number.POSITIVE_INFINITY;
      server.end(() => this.cut());
    });
    server.on('drain', () => client.resume());
    server.on('data', (bytes: Buffer) => {
      this.cutAfter -= bytes.length;
      this.tamper(bytes);
      if (!client.write(bytes)) server.pause();
      this.#slowDown(server, bytes.length);
      if (this.cutAfter > 0) return;
      this.cutAfter = Number.POSITIVE_INFINITY;
      // What was relayed so far arrives, then the connection breaks.
      client.end(() => this.cut());
    });
    client.on('drain', () => server.resume());
  }

  #slowDown(socket: Socket, bytes: number): void {
    const ms = (bytes * 1000) / this.bytesPerSecond;
    if (ms < 1) return;
    socket.pause();
    setTimeout(() => socket.resume(), ms);
  }
}

function secureServer(answer: RequestListener): ReturnType<typeof createHttpsServer> {
  const { keyPem, certificatePem } = makeIdentity();
  return createHttpsServer({ key: keyPem, cert: certificatePem, minVersion: 'TLSv1.3' }, answer);
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** One HTTP exchange. @throws when the connection breaks before the body's end */
export function ask(
  url: string,
  options: { method?: string; headers?: object; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const request = httpRequest(url, { method, headers: { ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject).end(body);
  });
}

export async function sha256(path: string | Buffer): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** The code of the error that something fails with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof NethoodError ? error.code : String(error);
  }
  return 'no error';
}

/** A real control server on real sockets, in a home of its own, over actions that a test gives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../agent/base/clock.ts';
import { type Log, silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { ControlActions, ControlCalls, ControlStreams } from '../../agent/control/control-actions.ts';
import { type ControlServerDeps, createControlServer } from '../../agent/control/server.ts';
import { type SnapshotParts, SnapshotStore } from '../../agent/control/snapshot.ts';
import { newToken } from '../../agent/control/token.ts';
import { writeAgentFile } from '../../config/agent-file.ts';
import { ControlClient } from '../../protocol/control-client.ts';
import type { CallName, Snapshot, SnapshotSection } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { exchanges, job, snapshot as sample, transfer } from './samples.ts';

export interface FakeOptions {
  readonly calls?: Partial<ControlCalls>;
  readonly streams?: Partial<ControlStreams>;
  readonly print?: ControlActions['print'];
  readonly headersTimeoutMs?: number;
  readonly gateway?: ControlServerDeps['gateway'];
  readonly mounts?: ControlServerDeps['mounts'];
  readonly log?: Log;
}

export interface FakeAgent extends AsyncDisposable {
  readonly home: string;
  readonly port: number;
  readonly token: string;
  readonly client: ControlClient;
  readonly store: SnapshotStore;
  /** Ends the server alone, as when the agent stops. */
  readonly server: AsyncDisposable;
  /** What was asked, in order. */
  readonly asked: { readonly call: CallName; readonly request: unknown }[];
  /** Changes sections of the snapshot. */
  set(change: Partial<Snapshot>): void;
}

export async function startFakeAgent(options: FakeOptions = {}): Promise<FakeAgent> {
  const scope = new Scope();
  const home = await mkdtemp(join(tmpdir(), 'nh-control-'));
  scope.defer(() => rm(home, { recursive: true, force: true }));
  const { server: socket, port } = await listen(scope);
  const token = newToken();
  let snapshot = sample;
  const store = scope.use(
    new SnapshotStore(
      partsOf(() => snapshot),
      systemClock,
    ),
  );
  const asked: { call: CallName; request: unknown }[] = [];
  const actions: ControlActions = {
    calls: recorded({ ...sampleCalls(), ...options.calls }, asked),
    streams: {
      'transfer-watch': doneTransfer,
      'job-watch': doneJob,
      'folder-watch': oneLook,
      matches: noMatches,
      ...options.streams,
    },
    print: options.print ?? (() => Promise.reject(new NethoodError('not-found', 'There is no printer.'))),
  };
  const server = scope.use(
    createControlServer({
      servers: [socket],
      port,
      token,
      store,
      actions,
      gateway: options.gateway ?? { handle: () => Promise.reject(new NethoodError('not-found', 'No door.')) },
      mounts: options.mounts ?? { handle: () => Promise.reject(new NethoodError('not-found', 'No drive.')) },
      log: options.log ?? silentLog,
      clock: systemClock,
      ...(options.headersTimeoutMs === undefined ? {} : { headersTimeoutMs: options.headersTimeoutMs }),
    }),
  );
  const url = `http://127.0.0.1:${port}`;
  await writeAgentFile(join(home, 'run'), { pid: process.pid, url, token });
  return {
    home,
    port,
    token,
    client: new ControlClient({ url, token }),
    store,
    server,
    asked,
    set(change) {
      snapshot = { ...snapshot, ...change };
      store.touch(...(Object.keys(change) as SnapshotSection[]));
    },
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

async function listen(scope: Scope): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.defer(() => new Promise((resolve) => void server.close(resolve)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

export function partsOf(current: () => Snapshot): SnapshotParts {
  const sections = Object.keys(sample) as SnapshotSection[];
  return Object.fromEntries(sections.map((section) => [section, () => current()[section]])) as unknown as SnapshotParts;
}

function sampleCalls(): ControlCalls {
  const names = Object.keys(exchanges) as CallName[];
  return Object.fromEntries(
    names.map((name) => [name, async () => exchanges[name].response]),
  ) as unknown as ControlCalls;
}

function recorded(calls: ControlCalls, asked: { call: CallName; request: unknown }[]): ControlCalls {
  const names = Object.keys(calls) as CallName[];
  return Object.fromEntries(
    names.map((name) => [
      name,
      (request: unknown, signal: AbortSignal) => {
        asked.push({ call: name, request });
        return (calls[name] as (request: unknown, signal: AbortSignal) => Promise<unknown>)(request, signal);
      },
    ]),
  ) as unknown as ControlCalls;
}

async function* doneTransfer(): ReturnType<ControlStreams['transfer-watch']> {
  yield transfer;
  yield { ...transfer, state: 'done', files: 1, bytes: 1_000_000 };
}

async function* oneLook(): ReturnType<ControlStreams['folder-watch']> {
  yield { look: 1 };
}

async function* noMatches(): ReturnType<ControlStreams['matches']> {
  yield* [];
}

async function* doneJob(): ReturnType<ControlStreams['job-watch']> {
  yield { ...job, state: 'processing' };
  yield { ...job, state: 'completed', pages: 3 };
}

/**
 * The three ports of a home: base B for loopback, B+1 for agents, B+2 for guests. The base is chosen at the first start
 * and remembered, because printers and links on other PCs name it; where it is taken the next block serves for now.
 */
import { mkdir, readFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { writeFileDurable } from '../base/write-file-durable.ts';
import { isTaken, listenOn, listenOnAll, type Listener } from './listen.ts';

const step = 10;
const blocksTried = 100;

const PortsFile = z.object({ base: z.int().min(1).max(65_533) });

export interface PortBlock extends AsyncDisposable {
  readonly base: number;
  /** Another base than the remembered one, or than the default at a first start: worth saying. */
  readonly moved: boolean;
  readonly ports: { readonly loopback: number; readonly peers: number; readonly guests: number };
  /** Listening on 127.0.0.1, and ::1 where there is one. Connections that nobody listens for are closed. */
  readonly loopback: readonly Server[];
  /** Listening on all addresses. */
  readonly peers: Server;
}

interface PortBlockDeps {
  readonly stateFolder: string;
  readonly log: Log;
  /** Default 6630. */
  readonly firstBase?: number;
}

/** Binds and never probes, so that two agents that start at once cannot choose the same block. @throws NethoodError `no-port` */
export async function claimPortBlock({ stateFolder, log, firstBase = 6630 }: PortBlockDeps): Promise<PortBlock> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const path = join(stateFolder, 'ports.json');
  const remembered = await readBase(path, log);
  const wanted = remembered ?? firstBase;
  for (const base of candidates(wanted, firstBase)) {
    const block = await tryBlock(base);
    if (block === undefined) continue;
    if (remembered === undefined) await writeFileDurable(path, `${JSON.stringify({ base })}\n`);
    if (base !== wanted) log.warn({ wanted, base }, 'The ports of this home are taken; the next free block is used.');
    return { ...block, moved: base !== wanted };
  }
  throw new NethoodError('no-port', `No three free ports were found from ${firstBase} on.`);
}

function* candidates(wanted: number, firstBase: number): Generator<number> {
  yield wanted;
  for (let n = 0; n < blocksTried; n++) {
    const base = firstBase + n * step;
    if (base !== wanted && base + 2 <= 65_535) yield base;
  }
}

/** Undefined where one of the three ports is taken. */
async function tryBlock(base: number): Promise<Omit<PortBlock, 'moved'> | undefined> {
  const scope = new Scope();
  const keep = (listener: Listener): Server => scope.use(listener).server;
  try {
    const loopback: Server[] = [];
    for (const host of ['127.0.0.1', '::1']) {
      const listener = await listenOn(base, host);
      if (listener !== undefined) loopback.push(keep(listener));
    }
    const peers = keep(await listenOnAll(base + 1));
    // Only while something is shared with everyone is the guests' port open; now it is only known to be free.
    const guests = await listenOnAll(base + 2);
    await guests[Symbol.asyncDispose]();
    return {
      base,
      ports: { loopback: base, peers: base + 1, guests: base + 2 },
      loopback,
      peers,
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    if (isTaken(error)) return undefined;
    throw new NethoodError('no-port', `The ports ${base} to ${base + 2} cannot be opened: ${String(error)}.`, {
      cause: error,
    });
  }
}

/** Undefined at a first start. A broken file is told and replaced: the base is no secret and no loss. */
async function readBase(path: string, log: Log): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new NethoodError('no-port', `The file ${path} cannot be read.`, { cause: error });
  });
  if (text === undefined) return undefined;
  try {
    return PortsFile.parse(JSON.parse(text)).base;
  } catch {
    log.warn({ path }, 'The file of remembered ports is broken; a new base is chosen.');
    return undefined;
  }
}

/** `state/neighbours.json`: who was in session with us, so that they are dialled at the next start before anything is announced. */
import { readFile, rename } from 'node:fs/promises';
import { z } from 'zod';
import { DeviceId, DisplayName } from '../../protocol/ids.ts';
import { noResources } from '../../protocol/resources.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { writeFileDurable } from '../base/write-file-durable.ts';
import { tableLimits, type Candidate, type PeerRecord } from './peer-table.ts';

const Port = z.int().min(1).max(65_535);
const StoredAddress = z.object({ address: z.string().max(64), zone: z.string().max(64).optional(), port: Port });
const StoredNeighbour = z.object({
  id: DeviceId,
  name: DisplayName,
  addresses: z.array(StoredAddress).max(tableLimits.proved),
  host: z.object({ name: z.string().max(253), port: Port }).optional(),
  lastSeen: z.int().min(0),
});
const Stored = z.object({ version: z.literal(1), neighbours: z.array(StoredNeighbour).max(tableLimits.records) });

/** A change waits so long for others to be written with it. */
const coalesceMs = 2_000;

export interface NeighboursFileDeps {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly records: () => readonly PeerRecord[];
}

/** A file that cannot be read is set aside, not overwritten: who was known is found again. @throws what the disk fails with */
export async function loadNeighbours(path: string, log: Log): Promise<readonly PeerRecord[]> {
  const text = await readFile(path, 'utf8').catch(missingIsEmpty);
  if (text === undefined) return [];
  const stored = Stored.safeParse(parseJson(text));
  if (stored.success) return stored.data.neighbours.map(fromStored);
  await rename(path, `${path}.broken`);
  log.warn(
    { path, issue: stored.error.issues[0]?.message },
    'the list of known neighbours is broken and was set aside',
  );
  return [];
}

export class NeighboursFile implements AsyncDisposable {
  readonly #deps: NeighboursFileDeps;
  #timer: Disposable | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(deps: NeighboursFileDeps) {
    this.#deps = deps;
  }

  /** Soon. A disk that fails costs memory of neighbours, not the session with them. */
  changed(): void {
    const { clock, log, path } = this.#deps;
    this.#timer ??= clock.timer(coalesceMs, () => {
      this.save().catch((error: unknown) => log.warn({ err: error, path }, 'the known neighbours were not saved'));
    });
  }

  /** Now, after what is being written. */
  save(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const write = (): Promise<void> => writeFileDurable(this.#deps.path, this.#text());
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== undefined) await this.save();
    // Whoever began a write that failed was told; disposal only waits for its end.
    else await this.#writing.catch(() => undefined);
  }

  #text(): string {
    const neighbours = this.#deps.records().flatMap(toStored).slice(0, tableLimits.records);
    return `${JSON.stringify({ version: 1, neighbours }, undefined, 1)}\n`;
  }
}

/** Mere rumours are not worth keeping. */
function toStored({ id, name, proved, host, lastSeen }: PeerRecord): z.input<typeof StoredNeighbour>[] {
  return lastSeen === undefined ? [] : [{ id, name, addresses: [...proved], host, lastSeen }];
}

function fromStored({ id, name, addresses, host, lastSeen }: z.output<typeof StoredNeighbour>): PeerRecord {
  const proved: readonly Candidate[] = addresses;
  return { id, name, proved, rumoured: [], host, sighted: false, lastSeen, resources: noResources };
}

function missingIsEmpty(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Half a file fits the schema no more than another one's.
    return undefined;
  }
}

/** The transfers of this agent: begun, joined, watched, cancelled. They belong to the agent, not to who asked. */
import { join } from 'node:path';
import type { TransferView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { TransferId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import type { BatchThread } from './batch-writer.ts';
import { NeighbourContact } from './contact.ts';
import type { GetOrder, PutOrder, Transfers } from './files-service.ts';
import { KeptThread } from './kept-thread.ts';
import { identityHash } from './part-name.ts';
import { RateLimit } from './rate-limit.ts';
import { Transfer } from './transfer.ts';
import { TransferRecords } from './transfer-records.ts';
import { type OwnFolders, refuseOwnFolders } from './share-folder.ts';
import type { TransferCourse, TransferWork, WorkGround } from './transfer-work.ts';

/** Ended ones that are still shown. */
const keptEnded = 100;

export interface TransfersDeps {
  readonly neighbours: Pick<Neighbours, 'events' | 'get' | 'request' | 'httpAgent' | 'httpHost'>;
  /** `transfers/` is made in it. */
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Default: none. */
  readonly limit?: RateLimit;
  /** Nothing is fetched into them. Default: none. */
  readonly ownFolders?: OwnFolders;
}

export async function createTransfers(deps: TransfersDeps): Promise<Transfers & AsyncDisposable> {
  const transfers = new RunningTransfers(deps);
  await transfers.begin();
  return transfers;
}

class RunningTransfers implements Transfers, AsyncDisposable {
  readonly events = new Emitter<{ changed: [TransferView] }>();
  readonly #deps: TransfersDeps;
  readonly #scope = new Scope();
  readonly #records: TransferRecords;
  readonly #batchThread: BatchThread;
  /** In order of their beginning. */
  readonly #all = new Map<TransferId, Transfer>();
  /** By what they move, so that the same order joins; those still beginning included. */
  readonly #running = new Map<string, Promise<Transfer>>();

  constructor(deps: TransfersDeps) {
    this.#deps = deps;
    this.#batchThread = this.#scope.use(new KeptThread('batch-thread', deps.clock));
    this.#records = new TransferRecords(join(deps.stateFolder, 'transfers'), deps.clock, deps.log);
  }

  /** Unfinished transfers do not begin again by themselves: the destination may be gone, or the user's mind changed. */
  async begin(): Promise<void> {
    await this.#records.removeOld();
  }

  list(): readonly TransferView[] {
    return Array.from(this.#all.values(), (transfer) => transfer.view());
  }

  async get(order: GetOrder): Promise<TransferView> {
    const { neighbour, share, path, destination, matching } = order;
    if (this.#deps.ownFolders !== undefined) await refuseOwnFolders(destination, this.#deps.ownFolders);
    if (matching === undefined) {
      const key = identityHash('get', neighbour, share, path, destination);
      return this.#joined(key, async (ground) => (await import('./get-run.ts')).beginGet(ground, order));
    }
    const key = identityHash('get', neighbour, share, path, destination, matching);
    const begin = async (ground: WorkGround): Promise<TransferWork> =>
      (await import('./get-matches.ts')).beginGetMatches(ground, { ...order, matching });
    return this.#joined(key, begin);
  }

  put(order: PutOrder): Promise<TransferView> {
    const [path = ''] = order.readings;
    const how = `${order.keep ? 'keep' : ''} ${order.into ? 'into' : ''}`;
    const key = identityHash('put', order.neighbour, order.share, path, order.source, how);
    return this.#joined(key, async (ground) => (await import('./put-run.ts')).beginPut(ground, order));
  }

  async cancel(id: TransferId): Promise<TransferView> {
    const transfer = this.#transfer(id);
    if (!transfer.final) {
      transfer.cancel();
      await transfer.ended;
    }
    return transfer.view();
  }

  async *watch(id: TransferId, signal: AbortSignal): AsyncGenerator<TransferView, void> {
    const transfer = this.#transfer(id);
    const change = new Change();
    const listener = this.events.on('changed', (view) => {
      if (view.id === id) change.tell();
    });
    const stop = (): void => change.tell();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for (let final = false; !final;) {
        await change.told();
        if (signal.aborted) return;
        final = transfer.final;
        yield transfer.view();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      listener[Symbol.dispose]();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #transfer(id: TransferId): Transfer {
    const transfer = this.#all.get(id);
    if (transfer === undefined) throw new NethoodError('not-found', `There is no transfer ${id}.`);
    return transfer;
  }

  async #joined(key: string, begin: (ground: WorkGround) => Promise<TransferWork>): Promise<TransferView> {
    const running = this.#running.get(key) ?? this.#begin(key, begin);
    this.#running.set(key, running);
    return (await running).view();
  }

  async #begin(key: string, begin: (ground: WorkGround) => Promise<TransferWork>): Promise<Transfer> {
    try {
      const { neighbours, clock, log } = this.#deps;
      const work = await begin({ neighbours, clock, log, records: this.#records, key, signal: this.#scope.signal });
      const name = neighbours.get(work.start.neighbour)?.name ?? work.start.neighbour.slice(0, 8);
      const transfer = new Transfer({ ...work.start, name }, clock, (view) => this.events.emit('changed', view));
      this.#all.set(transfer.id, transfer);
      this.#forgetOld();
      this.#scope.run(
        (signal) => this.#run(transfer, key, work, signal),
        (error) => log.error({ error: String(error) }, 'a transfer could not be ended'),
      );
      return transfer;
    } catch (error) {
      this.#running.delete(key);
      throw error;
    }
  }

  async #run(transfer: Transfer, key: string, work: TransferWork, signal: AbortSignal): Promise<void> {
    let end: () => void;
    try {
      using contact = new NeighbourContact(this.#deps, work.start.neighbour);
      const destination = await work.run(this.#course(transfer, contact), AbortSignal.any([signal, transfer.signal]));
      end = () => transfer.done(destination);
    } catch (error) {
      end = () => transfer.failed(signal.aborted ? new NethoodError('interrupted', 'The agent stopped.') : error);
    }
    // Before its end is told: whoever hears of it may give the same order again, and must not join what is over.
    this.#running.delete(key);
    end();
  }

  #course(transfer: Transfer, contact: NeighbourContact): TransferCourse {
    const { clock, random, limit = RateLimit.none(clock) } = this.#deps;
    const { progress } = transfer;
    return {
      progress,
      limit,
      batchThread: this.#batchThread,
      retry: {
        clock,
        random,
        moved: () => progress.moved,
        waiting: () => transfer.turn('waiting'),
        lost: () => contact.lost,
        pause: (ms, signal) => contact.pause(ms, signal),
      },
      began: () => transfer.turn('running'),
    };
  }

  #forgetOld(): void {
    const ended = [...this.#all.values()].filter((transfer) => transfer.final);
    for (const transfer of ended.slice(0, -keptEnded)) this.#all.delete(transfer.id);
  }
}

/** Whether something changed since the last look; at first it did. */
class Change {
  #changed = true;
  #wake: (() => void) | undefined;

  tell(): void {
    this.#changed = true;
    this.#wake?.();
  }

  async told(): Promise<void> {
    if (!this.#changed) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#changed = false;
  }
}

/** The transfers of this agent: begun, joined, watched, cancelled. They belong to the agent, not to who asked. */
import { join } from 'node:path';
import type { TransferView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { TransferId } from '../../protocol/ids.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import { NeighbourContact } from './contact.ts';
import { fetchFile } from './fetch-file.ts';
import { fetchFolder } from './fetch-folder.ts';
import type { GetOrder, Transfers } from './files-service.ts';
import type { GetContext } from './get-context.ts';
import { targetOf } from './get-target.ts';
import { joinLocal, type LocalPath, pathFromText, pathToText } from './local-path.ts';
import { identityHash, partName } from './part-name.ts';
import { type Place, placeOfSame } from './publish.ts';
import { createRemoteTree } from './remote-tree.ts';
import { Transfer } from './transfer.ts';
import { TransferRecords } from './transfer-records.ts';

/** Ended ones that are still shown. */
const keptEnded = 100;

export interface TransfersDeps {
  readonly neighbours: Pick<Neighbours, 'events' | 'get' | 'request' | 'httpAgent' | 'httpHost'>;
  /** `transfers/` is made in it. */
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export async function createTransfers(deps: TransfersDeps): Promise<Transfers & AsyncDisposable> {
  const transfers = new RunningTransfers(deps);
  await transfers.begin();
  return transfers;
}

interface Beginning {
  readonly order: GetOrder;
  readonly key: string;
  readonly entry: PeerEntry;
  readonly place: Place;
}

class RunningTransfers implements Transfers, AsyncDisposable {
  readonly events = new Emitter<{ changed: [TransferView] }>();
  readonly #deps: TransfersDeps;
  readonly #scope = new Scope();
  readonly #records: TransferRecords;
  /** In order of their beginning. */
  readonly #all = new Map<TransferId, Transfer>();
  /** By what they move, so that the same order joins; those still beginning included. */
  readonly #running = new Map<string, Promise<Transfer>>();

  constructor(deps: TransfersDeps) {
    this.#deps = deps;
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
    const key = identityHash('get', order.neighbour, order.share, order.path, order.destination);
    const running = this.#running.get(key) ?? this.#begin(key, order);
    this.#running.set(key, running);
    return (await running).view();
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

  async #begin(key: string, order: GetOrder): Promise<Transfer> {
    try {
      const tree = createRemoteTree(this.#deps, order.neighbour, order.share);
      const entry = await tree.stat(order.path, this.#scope.signal);
      const place = await this.#placeOf(key, order, entry);
      const name = this.#deps.neighbours.get(order.neighbour)?.name ?? order.neighbour.slice(0, 8);
      const start = { order, name, destination: joinLocal(place.folder, place.name) };
      const transfer = new Transfer(start, this.#deps.clock, (view) => this.events.emit('changed', view));
      this.#all.set(transfer.id, transfer);
      this.#forgetOld();
      this.#scope.run(
        (signal) => this.#run(transfer, { order, key, entry, place }, signal),
        (error) => this.#deps.log.error({ error: String(error) }, 'a transfer could not be ended'),
      );
      return transfer;
    } catch (error) {
      this.#running.delete(key);
      throw error;
    }
  }

  /** A folder that was begun goes on where it is; "into it, as it is there now" would put it into itself. */
  async #placeOf(key: string, { neighbour, share, path, destination }: GetOrder, entry: PeerEntry): Promise<Place> {
    const begun = entry.kind === 'folder' ? await this.#records.folder(key) : undefined;
    if (begun !== undefined) return { folder: pathFromText(begun.folder), name: Buffer.from(begun.name, 'base64') };
    const shares = this.#deps.neighbours.get(neighbour)?.resources.shares ?? [];
    return targetOf(path, destination, shares.find(({ id }) => id === share)?.name ?? 'share');
  }

  async #run(transfer: Transfer, beginning: Beginning, signal: AbortSignal): Promise<void> {
    let end: () => void;
    try {
      using contact = new NeighbourContact(this.#deps, beginning.order.neighbour);
      const context = this.#context(transfer, beginning, contact);
      const path = await fetched(context, beginning, AbortSignal.any([signal, transfer.signal]));
      end = () => transfer.done(path);
    } catch (error) {
      end = () => transfer.failed(signal.aborted ? new NethoodError('interrupted', 'The agent stopped.') : error);
    }
    // Before its end is told: whoever hears of it may give the same order again, and must not join what is over.
    this.#running.delete(beginning.key);
    end();
  }

  #context(transfer: Transfer, { order }: Beginning, contact: NeighbourContact): GetContext {
    const { neighbours, clock, random, log } = this.#deps;
    const { progress } = transfer;
    return {
      peer: { neighbours, id: order.neighbour, clock },
      tree: createRemoteTree(this.#deps, order.neighbour, order.share),
      share: order.share,
      path: order.path,
      source: order.source,
      clock,
      log,
      records: this.#records,
      progress,
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

async function fetched(context: GetContext, beginning: Beginning, signal: AbortSignal): Promise<LocalPath> {
  const { entry, place, order, key } = beginning;
  const part = joinLocal(place.folder, Buffer.from(partName(key, pathToText(joinLocal(place.folder, place.name)))));
  if (entry.kind === 'folder')
    return fetchFolder(context, { place, modified: entry.modified, staging: part, key }, signal);
  context.progress.totals(1, entry.size);
  const here = await placeOfSame(place, entry);
  if (here !== undefined) {
    context.progress.add({ files: 1, bytes: entry.size, resumedFrom: entry.size });
    return here;
  }
  const path = await fetchFile(context, { path: order.path, place, part, key }, signal);
  context.progress.add({ files: 1 });
  return path;
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

/** Our own shares: what the configuration says, whether it is there now, and who may see and open it. */
import { basename } from 'node:path';
import type { Config, ShareConfig } from '../../config/schema.ts';
import type { ConfigStore } from '../../config/config-store.ts';
import type { ShareView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { ShareId, ShareName } from '../../protocol/ids.ts';
import type { RemoteShare } from '../../protocol/resources.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { randomId } from '../base/random-id.ts';
import { Scope } from '../base/scope.ts';
import { access, type Asker, type Verb } from '../trust/access.ts';
import type { NewShare, Shares } from './files-service.ts';
import { guardOf } from './guarded-folder.ts';
import { HeldWalkers } from './held-walkers.ts';
import { Leftovers } from './leftovers.ts';
import { Spots, type SpotsDeps } from './local-spot.ts';
import { LocalTree } from './local-tree.ts';
import { newShareChanges, type ShareChanges } from './share-changes.ts';
import { type OwnFolders, shareableFolder } from './share-folder.ts';
import { bytesIn } from './share-room.ts';
import { WritableLocalTree } from './writable-local-tree.ts';

const checkEveryMs = 30_000;

export interface SharesDeps {
  readonly config: ConfigStore;
  readonly ownFolders: OwnFolders;
  /** Where it is noted in which folders of shares something may be left by a crash. */
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** As `Shares`, with the trees' local faculties, which the doors of this part use. */
export interface LocalShares extends Shares, AsyncDisposable {
  tree(asker: Asker, share: ShareId, verb: Verb): LocalTree;
  writable(asker: Asker, share: ShareId): WritableLocalTree;
  /** Looks at every folder now; `changed` when one came or went. */
  check(): Promise<void>;
}

export async function createShares(deps: SharesDeps): Promise<LocalShares> {
  const shares = new ConfiguredShares(deps, await Leftovers.open(deps));
  await shares.begin();
  return shares;
}

class ConfiguredShares implements LocalShares {
  readonly events = new Emitter<{ changed: [] }>();
  readonly #deps: SharesDeps;
  readonly #scope = new Scope();
  readonly #held: HeldWalkers;
  readonly #guard = guardOf(process.platform);
  /** Why a share cannot be used now. */
  readonly #problems = new Map<ShareId, string>();
  readonly #changes = new Map<ShareId, ShareChanges>();

  readonly #leftovers: Leftovers;
  #timer: Disposable | undefined;

  constructor(deps: SharesDeps, leftovers: Leftovers) {
    this.#deps = deps;
    this.#leftovers = this.#scope.use(leftovers);
    this.#held = this.#scope.use(new HeldWalkers(deps.clock));
  }

  async begin(): Promise<void> {
    await this.check();
    this.#scope.use(
      this.#deps.config.events.on('changed', () => {
        this.events.emit('changed');
        this.#checkSoon();
      }),
    );
    this.#checkLater();
    this.#leftovers.begin((id) => {
      const share = this.#configured.find((each) => each.id === id);
      return share === undefined ? undefined : new Spots(this.#place(share));
    });
    this.#scope.defer(() => this.#timer?.[Symbol.dispose]());
  }

  list(): readonly ShareView[] {
    return this.#configured.map((share) => this.#view(share));
  }

  async add({ folder, name, audience, rights }: NewShare): Promise<ShareView> {
    await shareableFolder(folder, this.#deps.ownFolders);
    const id = ShareId.parse(randomId());
    const config = await this.#deps.config.update((current) => {
      const share = { id, name: chosenName(name, folder, current), folder, audience, rights };
      return { ...current, shares: [...current.shares, share] };
    });
    const added = config.shares.find((share) => share.id === id);
    if (added === undefined) throw new NethoodError('internal', `The share of "${folder}" was not kept.`);
    return this.#view(added);
  }

  async remove(name: string): Promise<ShareView> {
    const share = this.#configured.find((each) => each.name === name);
    if (share === undefined) throw new NethoodError('not-found', `There is no share "${name}" here.`);
    const view = this.#view(share);
    await this.#deps.config.update((current) => ({
      ...current,
      shares: current.shares.filter((each) => each.id !== share.id),
    }));
    return view;
  }

  visibleTo(asker: Asker): readonly RemoteShare[] {
    const visible = this.#configured.filter((share) => this.#allows(asker, share, 'see'));
    return visible.map(({ id, name, rights }) => ({ id, name, rights }));
  }

  tree(asker: Asker, id: ShareId, verb: Verb): LocalTree {
    return this.#tree(whoIs(asker), this.#share(asker, id, verb));
  }

  writable(asker: Asker, id: ShareId): WritableLocalTree {
    const share = this.#share(asker, id, 'read');
    if (!this.#allows(asker, share, 'write') || share.rights !== 'write')
      throw new NethoodError('not-permitted', `The share "${share.name}" can be read, not written.`);
    return new WritableLocalTree({
      ...this.#place(share),
      tree: this.#tree(whoIs(asker), share),
      clock: this.#deps.clock,
      changes: this.#changesOf(share),
    });
  }

  #share(asker: Asker, id: ShareId, verb: Verb): ShareConfig {
    const share = this.#configured.find((each) => each.id === id);
    if (share === undefined || !this.#allows(asker, share, verb))
      throw new NethoodError('not-found', 'There is no such share.');
    return share;
  }

  #changesOf(share: ShareConfig): ShareChanges {
    const known = this.#changes.get(share.id);
    if (known !== undefined) return known;
    const now = (): ShareConfig => this.#configured.find(({ id }) => id === share.id) ?? share;
    const changes = newShareChanges({
      limits: () => ({ quota: now().quota, reserve: this.#deps.config.current.sharing.reserve }),
      measure: (signal) => bytesIn(this.#tree(`quota ${share.id}`, now()), signal),
      note: (folder) => this.#leftovers.note(share.id, folder),
      label: labelOf(share),
      clock: this.#deps.clock,
    });
    this.#changes.set(share.id, changes);
    return changes;
  }

  #tree(asker: string, share: ShareConfig): LocalTree {
    return new LocalTree({ ...this.#place(share), asker, held: this.#held });
  }

  #place(share: ShareConfig): SpotsDeps {
    return { root: () => this.#root(share), label: labelOf(share), guard: this.#guard };
  }

  async check(): Promise<void> {
    // A failure is kept as the share's problem and shown in its state.
    for (const share of this.#configured) await this.#root(share).catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  get #configured(): readonly ShareConfig[] {
    return this.#deps.config.current.shares;
  }

  #allows(asker: Asker, share: ShareConfig, verb: Verb): boolean {
    return access(asker, share, verb, { paused: this.#deps.config.current.paused });
  }

  #view({ id, name, folder, audience, rights }: ShareConfig): ShareView {
    return { id, name, folder, audience, rights, state: this.#problems.has(id) ? 'unavailable' : 'ok' };
  }

  /** Found anew each time: the folder may have been moved, or replaced by a link, since. */
  async #root(share: ShareConfig): Promise<Buffer> {
    try {
      const real = await shareableFolder(share.folder, this.#deps.ownFolders);
      this.#setProblem(share, undefined);
      return Buffer.from(real);
    } catch (error) {
      this.#setProblem(share, error instanceof Error ? error.message : String(error));
      // Neighbours need not learn where it lies, so only the share is named.
      throw new NethoodError('unavailable', `The share "${share.name}" cannot be used now.`, { cause: error });
    }
  }

  #setProblem(share: ShareConfig, problem: string | undefined): void {
    const before = this.#problems.get(share.id);
    if (before === problem || this.#scope.signal.aborted) return;
    if (problem === undefined) this.#problems.delete(share.id);
    else this.#problems.set(share.id, problem);
    if (problem !== undefined) this.#deps.log.warn({ share: share.name, problem }, 'a share became unavailable');
    this.events.emit('changed');
  }

  #checkLater(): void {
    this.#timer = this.#deps.clock.timer(checkEveryMs, () => {
      this.#checkSoon();
      this.#checkLater();
    });
  }

  #checkSoon(): void {
    this.#scope.run(
      () => this.check(),
      (error) => this.#deps.log.error({ error: String(error) }, 'the shares could not be checked'),
    );
  }
}

function labelOf({ name }: ShareConfig): string {
  return `the share "${name}"`;
}

/** Listings that are held for one asker are bounded: another must not use them up. */
function whoIs(asker: Asker): string {
  if (asker.kind === 'device') return asker.id;
  return asker.kind === 'guest' ? `guest ${asker.address ?? ''}` : asker.kind;
}

function chosenName(wanted: string | undefined, folder: string, config: Config): string {
  const taken = new Set(config.shares.map((share) => share.name.toLowerCase()));
  if (wanted !== undefined) {
    if (taken.has(wanted.toLowerCase())) throw new NethoodError('exists', `There is a share "${wanted}" already.`);
    return wanted;
  }
  const name = folderName(folder);
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? name : `${name} ${number}`;
    if (!taken.has(numbered.toLowerCase())) return numbered;
  }
}

/** The folder's own name where people can be shown it, cut so that a number still fits. */
function folderName(folder: string): string {
  const plain = basename(folder)
    .replaceAll(/\p{C}|\uFFFD/gu, '')
    .trim();
  let name = plain;
  while (Buffer.byteLength(name) > 56) name = Array.from(name).slice(0, -1).join('').trim();
  return ShareName.safeParse(name).success ? name : 'Folder';
}

/**
 * One tree made of others: folders that are there by name alone, and below them trees of files. What is behind a name
 * keeps its own rights; the names themselves are not to be changed.
 */
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { childPath, pathComponents, pathFromComponents, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import { copyAcross } from './copy-across.ts';
import { quotedPath } from './file-errors.ts';
import type { FileTree, OpenedFile, Page, ReadOptions, WritableTree, WriteOptions, WrittenFile } from './file-tree.ts';
import type { RelocateOptions } from './file-tree.ts';
import { foldedName } from './local-name.ts';

/** A tree of files under a name. */
export interface Grafted {
  /** Equal for two only where they are the same tree. */
  readonly id: string;
  readonly tree: FileTree;
  /** The same, where it may be changed. */
  readonly writable: WritableTree | undefined;
}

export interface Branch {
  /** As it is listed: no slash, neither `.` nor `..`; found without regard to case and normalisation. */
  readonly name: string;
  /** Another name, by which it is found but not listed. */
  readonly alias?: string;
  /** Found by its name, but not listed now. */
  readonly hidden?: boolean;
  readonly inside: Grafted | (() => readonly Branch[]);
}

/** What a path leads to. */
type Place =
  | { readonly kind: 'names'; readonly branches: readonly Branch[] }
  | (Grafted & { readonly kind: 'files'; readonly path: WirePath });

type FilePlace = Extract<Place, { kind: 'files' }>;
type WritablePlace = FilePlace & { readonly writable: WritableTree };

export class ComposedTree implements WritableTree {
  readonly #branches: () => readonly Branch[];
  readonly #since: number;

  /** @param since the time of the folders that are there by name alone, milliseconds since 1970 */
  constructor(branches: () => readonly Branch[], since: number) {
    this.#branches = branches;
    this.#since = since;
  }

  async stat(path: WirePath, signal: AbortSignal): Promise<PeerEntry> {
    signal.throwIfAborted();
    const place = this.#find(path);
    if (place.kind === 'names') return this.#folder(path);
    return { ...(await place.tree.stat(place.path, signal)), path };
  }

  async list(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    signal.throwIfAborted();
    const place = this.#find(path);
    if (place.kind === 'files') return place.tree.list(place.path, cursor, signal);
    const listed = place.branches.filter(({ hidden }) => hidden !== true);
    return { entries: listed.map(({ name }) => this.#folder(childPath(rootPath, Buffer.from(name)))), skipped: 0 };
  }

  /** Below a name that holds files; all of a neighbourhood is walked by nobody. @throws also `unsupported` */
  async walk(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    const place = this.#find(path);
    if (place.kind === 'files') return place.tree.walk(place.path, cursor, signal);
    throw new NethoodError('unsupported', `${quotedPath(path)} holds shares; only what is in one can be walked.`);
  }

  async read(path: WirePath, options: ReadOptions): Promise<OpenedFile> {
    const place = this.#find(path);
    if (place.kind === 'files') return place.tree.read(place.path, options);
    throw new NethoodError('not-a-file', `${quotedPath(path)} is a folder.`);
  }

  async write(path: WirePath, options: WriteOptions): Promise<WrittenFile> {
    const place = this.#changeable(path);
    const written = await place.writable.write(place.path, options);
    return { ...written, entry: { ...written.entry, path } };
  }

  async mkdir(path: WirePath, signal: AbortSignal): Promise<void> {
    const place = this.#changeable(path);
    await place.writable.mkdir(place.path, signal);
  }

  async move(from: WirePath, to: WirePath, options: RelocateOptions): Promise<boolean> {
    const [source, target] = [this.#changeable(from), this.#changeable(to)];
    if (source.id === target.id) return source.writable.move(source.path, target.path, options);
    const replaced = await copyAcross(source, { tree: target.writable, path: target.path }, options);
    await source.writable.remove(source.path, options.signal);
    return replaced;
  }

  async copy(from: WirePath, to: WirePath, options: RelocateOptions & { readonly flat?: boolean }): Promise<boolean> {
    const [source, target] = [this.#find(from), this.#changeable(to)];
    if (source.kind === 'names')
      throw new NethoodError('not-permitted', `${quotedPath(from)} holds shares; copy what is in them.`);
    if (source.id === target.id) return target.writable.copy(source.path, target.path, options);
    return copyAcross(source, { tree: target.writable, path: target.path }, options);
  }

  async remove(path: WirePath, signal: AbortSignal): Promise<void> {
    const place = this.#changeable(path);
    await place.writable.remove(place.path, signal);
  }

  async setModified(path: WirePath, modified: number, signal: AbortSignal): Promise<void> {
    const place = this.#changeable(path);
    await place.writable.setModified?.(place.path, modified, signal);
  }

  #folder(path: WirePath): PeerEntry {
    return { path, kind: 'folder', size: 0, modified: this.#since };
  }

  /** @throws `not-found` */
  #find(path: WirePath): Place {
    const components = pathComponents(path);
    let branches = this.#branches();
    for (const [at, component] of components.entries()) {
      const inside = branchNamed(branches, component)?.inside;
      if (inside === undefined) throw new NethoodError('not-found', `There is no ${quotedPath(path)}.`);
      if (typeof inside === 'object')
        return { kind: 'files', ...inside, path: pathFromComponents(components.slice(at + 1)) };
      branches = inside();
    }
    return { kind: 'names', branches };
  }

  /** Something in a tree that may be changed; the root of one is a name, as those above it. @throws `not-found`, `not-permitted` */
  #changeable(path: WirePath): WritablePlace {
    const place = this.#findToChange(path);
    if (place?.kind !== 'files' || place.path === rootPath)
      throw new NethoodError('not-permitted', `${quotedPath(path)} is no place for files: shares hold them.`);
    const { writable } = place;
    if (writable === undefined)
      throw new NethoodError('not-permitted', `${quotedPath(path)} is in a share that may only be read.`);
    return { ...place, writable };
  }

  /** A new name beside the others is refused rather than missing. */
  #findToChange(path: WirePath): Place | undefined {
    try {
      return this.#find(path);
    } catch (error) {
      const components = pathComponents(path);
      if (components.length > 0 && this.#find(pathFromComponents(components.slice(0, -1))).kind === 'names')
        return undefined;
      throw error;
    }
  }
}

/** Typed by people and sent by systems that normalise names: the exact name first, then one that means the same to them. */
export function branchNamed(branches: readonly Branch[], component: Uint8Array): Branch | undefined {
  const name = Buffer.from(component);
  const exact = branches.find((branch) => name.equals(Buffer.from(branch.name)) || branch.alias === name.toString());
  if (exact !== undefined) return exact;
  const folded = foldedName(name, 'win32');
  return branches.find((branch) => foldedName(Buffer.from(branch.name), 'win32') === folded);
}

/** A share on this disk. Links are neither followed nor shown, and nothing but files and folders is ever opened. */
import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { pathComponents, type WirePath } from '../../protocol/wire-path.ts';
import { quotedPath, readError } from './file-errors.ts';
import { FilePieces } from './file-pieces.ts';
import { FileStream } from './file-stream.ts';
import type { ByteRange, FileTree, OpenedFile, Page, ReadOptions } from './file-tree.ts';
import { etagOf, modifiedOf } from './file-version.ts';
import { type Guard, type GuardedFolder, openGuarded } from './guarded-folder.ts';
import type { HeldWalkers } from './held-walkers.ts';
import { isPartName } from './part-name.ts';
import { closeQuietly, fstatFd, openFd, openFlags } from './raw-files.ts';
import { allocatedBy } from './sparse.ts';
import { entryOf, TreeWalker } from './tree-walker.ts';

export interface LocalTreeDeps {
  /** The share's true folder now. @throws `unavailable` */
  readonly root: () => Promise<Buffer>;
  /** For messages: `the share "Public"`. */
  readonly label: string;
  /** Who asks: whose share of held listings it is. */
  readonly asker: string;
  readonly held: HeldWalkers;
  readonly guard: Guard;
}

export interface LocalFile extends Omit<OpenedFile, 'stream'> {
  readonly pieces: FilePieces;
  /** Bytes that it takes on disk: fewer than its size where it has holes. */
  readonly allocated: number;
}

export class LocalTree implements FileTree {
  readonly #deps: LocalTreeDeps;

  constructor(deps: LocalTreeDeps) {
    this.#deps = deps;
  }

  async stat(path: WirePath, signal: AbortSignal): Promise<PeerEntry> {
    signal.throwIfAborted();
    const stat = await this.#look(path);
    if (!stat.isFile() && !stat.isDirectory()) throw this.#missing(path);
    return entryOf(path, stat);
  }

  list(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    return this.#page(path, { cursor, deep: false, signal });
  }

  walk(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    return this.#page(path, { cursor, deep: true, signal });
  }

  async read(path: WirePath, options: ReadOptions): Promise<OpenedFile> {
    const { pieces, size, modified, etag } = await this.open(path, options);
    return { size, modified, etag, stream: addAbortSignal(options.signal, new FileStream(pieces)) };
  }

  /** As `read`, for whoever sends the pieces on; the caller disposes them. */
  async open(path: WirePath, { range, ifMatch, signal }: ReadOptions): Promise<LocalFile> {
    signal.throwIfAborted();
    const { fd, stat } = await this.#open(path);
    try {
      const etag = etagOf(stat);
      if (ifMatch !== undefined && ifMatch !== etag)
        throw new NethoodError('changed', `${this.#what(path)} is no longer the version asked for.`);
      const size = Number(stat.size);
      const wanted = range === undefined ? { start: 0, end: size } : this.#within(path, range, size);
      const pieces = new FilePieces({ fd, range: wanted, etag, what: this.#what(path) });
      return { size, modified: modifiedOf(stat), etag, pieces, allocated: allocatedBy(stat) };
    } catch (error) {
      await closeQuietly(fd);
      throw error;
    }
  }

  /** Of a folder of the share; the caller closes it. */
  async folder(path: WirePath): Promise<GuardedFolder> {
    const root = await this.#deps.root();
    return openGuarded(root, pathComponents(path), this.#deps.guard).catch((error: unknown) => {
      throw readError(error, this.#what(path));
    });
  }

  /** For a thread that goes through a folder itself. */
  async start(path: WirePath): Promise<{ root: Buffer; components: Uint8Array[]; guard: Guard }> {
    const components = pathComponents(path);
    if (components.some((name) => isPartName(Buffer.from(name).toString('latin1')))) throw this.#missing(path);
    return { root: await this.#deps.root(), components, guard: this.#deps.guard };
  }

  async #page(
    path: WirePath,
    options: { cursor: string | undefined; deep: boolean; signal: AbortSignal },
  ): Promise<Page> {
    const root = await this.#deps.root();
    const { guard, held, asker, label } = this.#deps;
    const start = {
      components: pathComponents(path),
      deep: options.deep,
      open: (components: readonly Uint8Array[]) => openGuarded(root, components, guard),
    };
    const { cursor, signal } = options;
    const subject = `${label}/${options.deep ? 'walk' : 'list'}/${path}`;
    try {
      return await held.page({ asker, subject, cursor, signal, begin: (large) => new TreeWalker({ ...start, large }) });
    } catch (error) {
      signal.throwIfAborted();
      throw await this.#listError(path, readError(error, this.#what(path)), signal);
    }
  }

  /** A file and a missing folder fail alike when opened as a folder; only the first may be called a file. */
  async #listError(path: WirePath, error: NethoodError, signal: AbortSignal): Promise<NethoodError> {
    if (error.code !== 'not-found') return error;
    const entry = await this.stat(path, signal).catch(() => undefined); // It is `error` that is told then.
    if (entry?.kind !== 'file') return this.#missing(path);
    return new NethoodError('not-a-folder', `${this.#what(path)} is not a folder.`);
  }

  async #look(path: WirePath): Promise<BigIntStats> {
    return this.#inParent(path, async (at, folder) => {
      const stat = await lstat(at, { bigint: true });
      await folder.check();
      return stat;
    });
  }

  async #open(path: WirePath): Promise<{ fd: number; stat: BigIntStats }> {
    return this.#inParent(path, async (at, folder) => {
      const seen = await lstat(at, { bigint: true });
      if (seen.isDirectory()) throw new NethoodError('not-a-file', `${this.#what(path)} is a folder.`);
      if (seen.isSymbolicLink()) throw this.#missing(path);
      // Opening a device can already do something, so it is not even tried.
      if (!seen.isFile()) throw new NethoodError('not-a-file', `${this.#what(path)} is not an ordinary file.`);
      const fd = await openFd(at, openFlags.read);
      try {
        const stat = await fstatFd(fd, { bigint: true });
        await folder.check();
        if (!stat.isFile() || stat.ino !== seen.ino || stat.dev !== seen.dev) throw this.#missing(path);
        return { fd, stat };
      } catch (error) {
        await closeQuietly(fd);
        throw error;
      }
    });
  }

  /** Does something with a path whose folder is held; the share itself is its own folder. */
  async #inParent<T>(path: WirePath, act: (at: Buffer, folder: GuardedFolder) => Promise<T>): Promise<T> {
    const components = pathComponents(path);
    const name = components.pop();
    if (name !== undefined && isPartName(Buffer.from(name).toString('latin1'))) throw this.#missing(path);
    const root = await this.#deps.root();
    try {
      const folder = await openGuarded(root, components, this.#deps.guard);
      try {
        return await act(name === undefined ? folder.path : folder.at(name), folder);
      } finally {
        folder.close();
      }
    } catch (error) {
      throw readError(error, this.#what(path));
    }
  }

  #within(path: WirePath, { start, end }: ByteRange, size: number): ByteRange {
    const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
    if (!whole || start < 0 || start >= size || end <= start)
      throw new NethoodError('range', `${this.#what(path)} has no such bytes: it is ${size} bytes long.`);
    return { start, end: Math.min(end, size) };
  }

  #missing(path: WirePath): NethoodError {
    return new NethoodError('not-found', `There is no ${this.#what(path)}.`);
  }

  #what(path: WirePath): string {
    return path === '' ? this.#deps.label : `${quotedPath(path)} in ${this.#deps.label}`;
  }
}

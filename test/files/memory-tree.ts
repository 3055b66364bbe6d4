/** A tree in memory that keeps every rule of `WritableTree`: what is written over it is tried without a disk. */
import { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { parentPath, type WirePath } from '../../protocol/wire-path.ts';
import type {
  OpenedFile,
  Page,
  ReadOptions,
  RelocateOptions,
  WritableTree,
  WriteOptions,
  WrittenFile,
} from '../../agent/files/file-tree.ts';

interface Node {
  /** Undefined: a folder. */
  readonly bytes: Buffer | undefined;
  readonly modified: number;
  readonly version: number;
}

const pageSize = 500;

export class MemoryTree implements WritableTree {
  readonly #nodes = new Map<WirePath, Node>();
  #version = 0;

  constructor() {
    this.#put('' as WirePath, undefined, 0);
  }

  stat(path: WirePath): Promise<PeerEntry> {
    return attempt(() => entryOf(path, this.#node(path)));
  }

  list(path: WirePath, cursor: string | undefined): Promise<Page> {
    return attempt(() => this.#page(path, cursor, (below) => !below.includes('/')));
  }

  walk(path: WirePath, cursor: string | undefined): Promise<Page> {
    return attempt(() => this.#page(path, cursor, () => true));
  }

  read(path: WirePath, { range, ifMatch }: ReadOptions): Promise<OpenedFile> {
    return attempt(() => {
      const { bytes, modified, version } = this.#node(path);
      if (bytes === undefined) throw new NethoodError('not-a-file', `${path} is a folder.`);
      if (ifMatch !== undefined && ifMatch !== etagOf(version))
        throw new NethoodError('changed', `${path} is another version.`);
      if (range !== undefined && (range.start >= bytes.length || range.end <= range.start))
        throw new NethoodError('range', `${path} has no such bytes.`);
      const part = bytes.subarray(range?.start ?? 0, range?.end ?? bytes.length);
      const stream = Readable.from(part.length === 0 ? [] : [part], { objectMode: false });
      return { size: bytes.length, modified, etag: etagOf(version), stream };
    });
  }

  async write(path: WirePath, { body, modified, ifMatch, fresh }: WriteOptions): Promise<WrittenFile> {
    const chunks: Buffer[] = [];
    for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
    const before = this.#nodes.get(path);
    this.#checkParent(path);
    if (before !== undefined && before.bytes === undefined) throw new NethoodError('not-a-file', 'A folder.');
    if (before !== undefined && fresh === true) throw new NethoodError('exists', 'It is there.');
    if (ifMatch !== undefined && (before === undefined || (ifMatch !== '*' && ifMatch !== etagOf(before.version))))
      throw new NethoodError('changed', 'Another version.');
    const node = this.#put(path, Buffer.concat(chunks), modified ?? Date.now());
    return { entry: entryOf(path, node), etag: etagOf(node.version), created: before === undefined };
  }

  mkdir(path: WirePath): Promise<void> {
    return attempt(() => {
      if (this.#nodes.has(path)) throw new NethoodError('exists', 'It is there.');
      this.#checkParent(path);
      this.#put(path, undefined, Date.now());
    });
  }

  move(from: WirePath, to: WirePath, { replace }: RelocateOptions): Promise<boolean> {
    return attempt(() => {
      const replaced = this.#relocate(from, to, { replace, flat: false });
      for (const path of this.#within(from)) this.#nodes.delete(path);
      return replaced;
    });
  }

  copy(from: WirePath, to: WirePath, options: RelocateOptions & { flat?: boolean }): Promise<boolean> {
    return attempt(() => this.#relocate(from, to, { replace: options.replace, flat: options.flat === true }));
  }

  remove(path: WirePath): Promise<void> {
    return attempt(() => {
      this.#node(path);
      if (path === '') throw new NethoodError('not-permitted', 'The root stays.');
      for (const inside of this.#within(path)) this.#nodes.delete(inside);
    });
  }

  #relocate(from: WirePath, to: WirePath, { replace, flat }: { replace: boolean; flat: boolean }): boolean {
    this.#node(from);
    this.#checkParent(to);
    const replaced = this.#nodes.has(to);
    if (replaced && !replace) throw new NethoodError('exists', 'It is there.');
    for (const path of this.#within(to)) this.#nodes.delete(path);
    for (const path of flat ? [from] : this.#within(from)) {
      const { bytes, modified } = this.#node(path);
      this.#put(`${to}${path.slice(from.length)}` as WirePath, bytes, modified);
    }
    return replaced;
  }

  #page(folder: WirePath, cursor: string | undefined, wanted: (below: string) => boolean): Page {
    if (this.#node(folder).bytes !== undefined) throw new NethoodError('not-a-folder', `${folder} is a file.`);
    const start = folder === '' ? 0 : folder.length + 1;
    const all = this.#within(folder)
      .filter((path) => path !== folder && wanted(path.slice(start)))
      .toSorted();
    const first = Number(cursor ?? 0);
    const entries = all
      .slice(first, first + pageSize)
      .map((path) => entryOf(path.slice(start) as WirePath, this.#node(path)));
    const next = first + pageSize;
    return { entries, skipped: 0, ...(next < all.length ? { cursor: String(next) } : {}) };
  }

  #within(path: WirePath): WirePath[] {
    const inside = path === '' ? '' : `${path}/`;
    return [...this.#nodes.keys()].filter((known) => known === path || known.startsWith(inside));
  }

  #node(path: WirePath): Node {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new NethoodError('not-found', `There is no ${path}.`);
    return node;
  }

  #checkParent(path: WirePath): void {
    if (this.#node(parentPath(path)).bytes !== undefined) throw new NethoodError('not-a-folder', 'Below a file.');
  }

  #put(path: WirePath, bytes: Buffer | undefined, modified: number): Node {
    const node = { bytes, modified, version: ++this.#version };
    this.#nodes.set(path, node);
    return node;
  }
}

function etagOf(version: number): string {
  return `"v${version}"`;
}

function entryOf(path: WirePath, { bytes, modified }: Node): PeerEntry {
  return { path, kind: bytes === undefined ? 'folder' : 'file', size: bytes?.length ?? 0, modified };
}

async function attempt<T>(act: () => T): Promise<T> {
  await Promise.resolve();
  return act();
}

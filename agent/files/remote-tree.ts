/** A neighbour's share: listed and changed over the session, files read and written over HTTP. */
import type { ServerResponse } from 'node:http';
import type { DeviceId, ShareId } from '../../protocol/ids.ts';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Neighbours, PeerAsk } from '../peers/neighbours.ts';
import { quotedPath } from './file-errors.ts';
import { answeredFile } from './file-version-http.ts';
import type {
  OpenedFile,
  Page,
  ReadOptions,
  RelocateOptions,
  WritableTree,
  WriteOptions,
  WrittenFile,
} from './file-tree.ts';
import { writeToPeer } from './write-to-peer.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { PeerBody } from './peer-body.ts';
import { askPeer, type PeerHttp, peerName } from './peer-http.ts';

export interface RemoteTreeDeps {
  readonly neighbours: Pick<Neighbours, 'request' | 'httpAgent' | 'httpHost' | 'get'>;
  readonly clock: Clock;
}

/** Whether it may be changed is its owner's to say: `not-permitted`, also where the owner's version knows no such thing. */
export function createRemoteTree(deps: RemoteTreeDeps, id: DeviceId, share: ShareId): WritableTree {
  return new RemoteTree(deps, id, share);
}

class RemoteTree implements WritableTree {
  readonly #peer: PeerHttp;
  readonly #neighbours: RemoteTreeDeps['neighbours'];
  readonly #id: DeviceId;
  readonly #share: ShareId;

  constructor(deps: RemoteTreeDeps, id: DeviceId, share: ShareId) {
    this.#peer = { ...deps, id };
    this.#neighbours = deps.neighbours;
    this.#id = id;
    this.#share = share;
  }

  async stat(path: WirePath, signal: AbortSignal): Promise<PeerEntry> {
    return (await this.#neighbours.request(this.#id, 'stat', { share: this.#share, path }, signal)).entry;
  }

  list(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    return this.#neighbours.request(this.#id, 'list', { share: this.#share, path, ...given(cursor) }, signal);
  }

  walk(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    return this.#neighbours.request(this.#id, 'walk', { share: this.#share, path, ...given(cursor) }, signal);
  }

  async read(path: WirePath, options: ReadOptions): Promise<OpenedFile> {
    const name = peerName(this.#peer);
    const response = await askPeer(this.#peer, {
      method: 'GET',
      path: fileUrl(this.#share, path),
      headers: conditions(options),
      signal: options.signal,
    });
    const { size, modified, etag, start, length = 0, blocks } = answeredFile(response, name);
    if (blocks || start !== (options.range?.start ?? 0)) {
      response.destroy();
      throw new NethoodError('range', `${name} sent another part of the file than asked for.`);
    }
    const stream = new PeerBody(response, name);
    const { clock } = this.#peer;
    const sendTo = (to: ServerResponse): Promise<void> => stream.sendTo(to, { length, clock, signal: options.signal });
    return { size, modified, etag, stream, sendTo };
  }

  write(path: WirePath, options: WriteOptions): Promise<WrittenFile> {
    const file = { url: fileUrl(this.#share, path), what: quotedPath(path) };
    return this.#changing(() => writeToPeer(this.#peer, file, options));
  }

  async mkdir(path: WirePath, signal: AbortSignal): Promise<void> {
    const ask = { share: this.#share, path };
    await this.#changing(() => this.#neighbours.request(this.#id, 'mkdir', ask, signal));
  }

  move(path: WirePath, to: WirePath, { replace, signal }: RelocateOptions): Promise<boolean> {
    return this.#relocate('move', { share: this.#share, path, to, replace }, signal);
  }

  copy(path: WirePath, to: WirePath, options: RelocateOptions & { readonly flat?: boolean }): Promise<boolean> {
    const { replace, flat = false, signal } = options;
    return this.#relocate('copy', { share: this.#share, path, to, replace, flat }, signal);
  }

  async remove(path: WirePath, signal: AbortSignal): Promise<void> {
    const ask = { share: this.#share, path };
    await this.#changing(() => this.#neighbours.request(this.#id, 'remove', ask, signal));
  }

  async setModified(path: WirePath, modified: number, signal: AbortSignal): Promise<void> {
    const ask = { share: this.#share, path, modified };
    await this.#changing(() => this.#neighbours.request(this.#id, 'touch', ask, signal));
  }

  async #relocate(how: 'move' | 'copy', ask: PeerAsk<'move'> & PeerAsk<'copy'>, signal: AbortSignal): Promise<boolean> {
    const { replaced } = await this.#changing(() => this.#neighbours.request(this.#id, how, ask, signal));
    return replaced;
  }

  async #changing<T>(change: () => Promise<T>): Promise<T> {
    const neighbour = this.#neighbours.get(this.#id);
    if (neighbour?.state === 'ready' && !neighbour.features.has('write')) throw this.#readOnly();
    try {
      return await change();
    } catch (error) {
      // There was no session yet that could have told.
      throw hasCode(error, 'unsupported') ? this.#readOnly() : error;
    }
  }

  #readOnly(): NethoodError {
    return new NethoodError('not-permitted', `${peerName(this.#peer)} runs a version whose shares can only be read.`);
  }
}

/** Where a file of a neighbour's share is on its peers port. A wire path is already what a URL wants. */
export function fileUrl(share: ShareId, path: WirePath): string {
  return `/files/${share}/${path}`;
}

export function archiveUrl(share: ShareId): string {
  return `/files/${share}/archive`;
}

export function digestsUrl(share: ShareId): string {
  return `/files/${share}/digests`;
}

function given(cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor };
}

function conditions({ range, ifMatch }: ReadOptions): Record<string, string> {
  return {
    ...(range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` }),
    ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
  };
}

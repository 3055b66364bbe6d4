/**
 * Drives for the programs of this PC: `/dav/<secret>/…` on loopback, each made by `mount` and ended by `mount --revoke`.
 * File managers send no token, so the path is the key: 128 random bits, which nobody without them finds.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MountView } from '../../protocol/mounts.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import { randomId } from '../base/random-id.ts';
import type { Neighbour } from '../peers/neighbours.ts';
import { ComposedTree } from './composed-tree.ts';
import { folderName } from './drive-names.ts';
import { type Mount, mostMounts, type MountStore } from './mount-store.ts';
import { driveBranches, type NeighbourhoodDeps } from './neighbourhood-tree.ts';
import type { RemoteShare } from '../../protocol/resources.ts';
import type { DavDoor, DavHandler } from './webdav-door.ts';

export interface MountsDeps extends Pick<NeighbourhoodDeps, 'neighbours' | 'remoteTree'> {
  readonly store: MountStore;
  /** B, of loopback. */
  readonly port: number;
  readonly createHandler: (door: DavDoor) => DavHandler;
  readonly clock: Clock;
}

/** All neighbours, one, or a share of one. */
export interface MountPlace {
  readonly neighbour?: Pick<Neighbour, 'id' | 'name'>;
  readonly share?: Pick<RemoteShare, 'id' | 'name'>;
}

export interface MountExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

export const mountPrefix = '/dav/';
/** Windows looks at what is above a drive before it mounts it. */
const aboveDrives: ReadonlySet<string> = new Set(['/', '/dav', mountPrefix]);

/** Whether a request is for drives, which have keys of their own. */
export function isForMounts(method: string, target: string): boolean {
  if (aboveDrives.has(target)) return method === 'OPTIONS' || method === 'PROPFIND';
  return target.startsWith(mountPrefix);
}

/** What was sent is made safe at the neighbour's before it is answered; that may take its time. */
const stallMs = 10 * 60_000;

interface Opened {
  readonly mount: Mount;
  readonly handler: DavHandler;
  readonly ended: AbortController;
}

export class Mounts implements Disposable {
  readonly #deps: MountsDeps;
  /** By the digest of their secrets: how long a search takes tells nothing of them. */
  readonly #opened = new Map<string, Opened>();
  /** Folders that hold nothing which could be seen. */
  readonly #above: DavHandler;

  constructor(deps: MountsDeps) {
    this.#deps = deps;
    const tree = new ComposedTree(() => [{ name: 'dav', hidden: true, inside: () => [] }], 0);
    this.#above = deps.createHandler({ tree, prefix: '/', title: 'nethood', clock: deps.clock });
    for (const mount of deps.store.mounts) this.#open(mount);
  }

  list(): readonly MountView[] {
    return this.#deps.store.mounts.map((mount) => this.#view(mount));
  }

  /** The same place again is the same drive. @throws `busy` where there are too many */
  async add({ neighbour, share }: MountPlace): Promise<MountView> {
    const { store, clock } = this.#deps;
    const known = store.mounts.find((each) => each.neighbour?.id === neighbour?.id && each.share?.id === share?.id);
    if (known !== undefined) return this.#view(known);
    if (store.mounts.length >= mostMounts)
      throw new NethoodError('busy', `There are ${mostMounts} drives already; end some of them first.`);
    const mount: Mount = {
      secret: randomId(),
      neighbour: named(neighbour),
      share: named(share),
      created: clock.wall(),
    };
    await store.change([...store.mounts, mount]);
    this.#open(mount);
    return this.#view(mount);
  }

  /** Also what goes on in it ends. By the names that it was made with, as its neighbour may be long gone. @throws `not-found` */
  async revoke(neighbour: string | undefined, share: string | undefined): Promise<MountView> {
    const { store } = this.#deps;
    const mount = mountNamed(store.mounts, neighbour, share);
    await store.change(store.mounts.filter((each) => each !== mount));
    const key = digest(mount.secret);
    this.#opened.get(key)?.ended.abort(new NethoodError('not-found', 'This drive has ended.'));
    this.#opened.delete(key);
    return this.#view(mount);
  }

  /** @param target as it came. @throws NethoodError `not-found` where there is no such drive */
  async handle(target: string, { request, response, signal }: MountExchange): Promise<void> {
    const [path = ''] = target.split('?');
    if (aboveDrives.has(path)) return this.#above({ request, response, signal, path: path.slice(1) });
    const [secret = '', ...rest] = path.slice(mountPrefix.length).split('/');
    const opened = this.#opened.get(digest(secret));
    if (opened === undefined) throw new NethoodError('not-found', 'There is no drive at this address.');
    request.setTimeout(stallMs);
    try {
      await opened.handler({
        request,
        response,
        path: rest.join('/'),
        signal: AbortSignal.any([signal, opened.ended.signal]),
      });
    } catch (error) {
      // Half an answer must not look like the whole.
      if (response.headersSent) response.destroy();
      else throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const { ended } of this.#opened.values()) ended.abort(new NethoodError('interrupted', 'The agent stops.'));
  }

  #open(mount: Mount): void {
    const { store, clock, createHandler } = this.#deps;
    const branches = () => driveBranches({ ...this.#deps, names: store }, mount);
    const tree = new ComposedTree(branches, mount.created);
    const title = mount.share?.name ?? mount.neighbour?.name ?? 'Neighbours';
    const prefix = `${mountPrefix}${mount.secret}/`;
    const handler = createHandler({ tree, writable: tree, prefix, title, clock });
    this.#opened.set(digest(mount.secret), { mount, handler, ended: new AbortController() });
  }

  #view({ secret, neighbour, share, created }: Mount): MountView {
    const folders = [neighbour, share].flatMap((each) => (each === null ? [] : [each.folder]));
    const path = folders.length === 0 ? rootPath : `${wirePathFromPlain(folders.join('/'))}/`;
    return {
      neighbour: neighbour?.name ?? null,
      share: share?.name ?? null,
      url: `http://127.0.0.1:${this.#deps.port}${mountPrefix}${secret}/${path}`,
      created: new Date(created).toISOString(),
    };
  }
}

function named<T extends { readonly id: string; readonly name: string }>(
  thing: T | undefined,
): { id: T['id']; name: T['name']; folder: string } | null {
  return thing === undefined ? null : { id: thing.id, name: thing.name, folder: folderName(thing.name) };
}

/** As neighbours are named: exactly, else by a prefix of name or id that fits one alone. @throws `not-found`, `ambiguous` */
function mountNamed(mounts: readonly Mount[], neighbour: string | undefined, share: string | undefined): Mount {
  const wanted = neighbour?.toLowerCase() ?? '';
  const ofShare = mounts.filter(
    (mount) =>
      (mount.neighbour === null) === (neighbour === undefined) &&
      mount.share?.name.toLowerCase() === share?.toLowerCase(),
  );
  const exact = ofShare.filter((mount) => mount.neighbour === null || mount.neighbour.name === neighbour);
  const loose = ofShare.filter(({ neighbour: of }) => of !== null && startsWith(of, wanted));
  const [mount, ...others] = exact.length > 0 ? exact : loose;
  const place = [neighbour, share].flatMap((each) => each ?? []).join('/');
  if (mount !== undefined && others.length === 0) return mount;
  if (mount !== undefined)
    throw new NethoodError('ambiguous', `"${place}" fits several drives; \`nethood mount --list\` names them.`);
  const what = place === '' ? 'The whole neighbourhood' : `"${place}"`;
  throw new NethoodError('not-found', `${what} is not mounted; \`nethood mount --list\` says what is.`);
}

function startsWith({ id, name }: { readonly id: string; readonly name: string }, wanted: string): boolean {
  return name.toLowerCase().startsWith(wanted) || id.startsWith(wanted.replaceAll('-', ''));
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}

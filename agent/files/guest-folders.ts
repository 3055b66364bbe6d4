/**
 * Folders shared with everyone, for computers without nethood: read-only WebDAV on the guests port, `/dav/<ShareId>/` or
 * `/dav/<name>/`, all of them below `/dav/`; announced by DNS-SD, so that file managers show them.
 */
import type { ShareView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { pathComponents } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { Announcement } from '../discovery/discovery.ts';
import { cutToBytes } from '../discovery/instance-names.ts';
import type { HttpExchange, HttpRoute } from '../peers/neighbours.ts';
import type { Asker } from '../trust/access.ts';
import { type Branch, branchNamed, ComposedTree } from './composed-tree.ts';
import type { Shares } from './files-service.ts';
import { Revocable } from './revocable.ts';
import type { DavDoor, DavHandler } from './webdav-door.ts';
import { targetOf } from './webdav-target.ts';

export interface GuestFoldersDeps {
  readonly shares: Pick<Shares, 'visibleTo' | 'tree' | 'events'>;
  readonly deviceName: () => string;
  readonly createHandler: (door: DavDoor) => DavHandler;
  readonly clock: Clock;
}

const prefix = '/dav/';
/** At once, of one address: a file manager that shows pictures asks for several. */
const mostPerAddress = 8;
const mostInAll = 64;

export function createGuestFolders(deps: GuestFoldersDeps): HttpRoute & Disposable {
  const crowd = new Crowd();
  const revocable = new Revocable(deps.shares);
  const since = deps.clock.wall();
  return {
    prefix,
    [Symbol.dispose]: () => revocable[Symbol.dispose](),
    async handle(exchange) {
      using _ = crowd.enter(exchange.address);
      // Nothing is kept between two requests: there are no locks where nothing can be changed.
      const tree = new ComposedTree(() => branchesFor(deps, guestOf(exchange)), since);
      const handler = deps.createHandler({ tree, prefix, title: deps.deviceName(), clock: deps.clock });
      await revocable.during(exchange, stillThere(deps, exchange), handler);
    },
  };
}

/** Of the share that the path lies in; what is above all of them can stay. */
function stillThere(deps: GuestFoldersDeps, exchange: HttpExchange): () => void {
  const asker = guestOf(exchange);
  const share = branchNamed(branchesFor(deps, asker), firstOf(exchange.path))?.alias;
  return () => {
    if (share !== undefined && !deps.shares.visibleTo(asker).some(({ id }) => id === share))
      throw new NethoodError('not-found', 'There is no such share.');
  };
}

/** What is no path is for the handler to refuse. */
function firstOf(path: string): Uint8Array {
  try {
    return pathComponents(targetOf(path).path)[0] ?? Buffer.alloc(0);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Each address has its own share of what listings may cost. */
function guestOf({ asker, address }: HttpExchange): Asker {
  return asker.kind === 'guest' ? { ...asker, address } : asker;
}

function branchesFor({ shares }: GuestFoldersDeps, asker: Asker): readonly Branch[] {
  return shares.visibleTo(asker).map(({ id, name }) => ({
    name,
    alias: id,
    inside: { id, tree: shares.tree(asker, id, 'read'), writable: undefined },
  }));
}

class Crowd {
  readonly #inside = new Map<string, number>();
  #all = 0;

  /** @throws `busy` */
  enter(address: string): Disposable {
    const count = this.#inside.get(address) ?? 0;
    if (count >= mostPerAddress || this.#all >= mostInAll)
      throw new NethoodError('busy', 'Too many requests for folders at once.', { retryAfterMs: 1000 });
    this.#inside.set(address, count + 1);
    this.#all++;
    return { [Symbol.dispose]: () => this.#leave(address) };
  }

  #leave(address: string): void {
    const left = (this.#inside.get(address) ?? 1) - 1;
    this.#all--;
    if (left === 0) this.#inside.delete(address);
    else this.#inside.set(address, left);
  }
}

/** `_webdavs._tcp` for each folder for everyone that is there now. The id in the path outlives a new name, and needs no escape. */
export function folderAnnouncements(
  shares: readonly ShareView[],
  { deviceName, guestsPort }: { readonly deviceName: string; readonly guestsPort: number },
): Announcement[] {
  const labels = new Set<string>();
  return shares
    .filter(({ audience, state }) => audience === 'everyone' && state === 'ok')
    .map(({ id, name }) => ({
      name: freeLabel(name, deviceName, labels),
      type: 'webdavs',
      subtypes: [],
      port: guestsPort,
      txt: { path: `${prefix}${id}/` },
    }));
}

/** `<name> (<device name>)` in at most 63 bytes (RFC 6763 section 4.1.1); long ones that are cut to the same are numbered. */
function freeLabel(name: string, deviceName: string, taken: Set<string>): string {
  const device = ` (${cutToBytes(deviceName, 37)})`;
  for (let number = 1; ; number++) {
    const tail = number === 1 ? device : ` ${number}${device}`;
    const label = cutToBytes(name, 63 - Buffer.byteLength(tail)) + tail;
    if (taken.has(label.toLowerCase())) continue;
    taken.add(label.toLowerCase());
    return label;
  }
}

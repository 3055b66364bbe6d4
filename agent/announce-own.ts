/** Keeps in step what is announced, whether the guests port is open, and what neighbours are told, as shares, printers and settings change. */
import type { ConfigStore } from '../config/config-store.ts';
import { AgentTxt } from '../protocol/dns-sd.ts';
import type { DeviceId } from '../protocol/ids.ts';
import { protocolVersion } from '../protocol/peer.ts';
import { type Clock, sleep } from './base/clock.ts';
import type { Log } from './base/log.ts';
import { Scope } from './base/scope.ts';
import type { NoticeBoard } from './control/notices.ts';
import type { Announcement, Discovery } from './discovery/discovery.ts';
import type { Shares } from './files/files-service.ts';
import type { GuestPort } from './peers/guest-port.ts';
import type { Neighbours } from './peers/neighbours.ts';
import type { PrintService } from './printing/print-service.ts';
import { toNethoodError } from '../protocol/errors.ts';

export interface OwnDeps {
  readonly id: DeviceId;
  readonly name: () => string;
  readonly peersPort: number;
  readonly config: Pick<ConfigStore, 'events' | 'current'>;
  readonly shares: Pick<Shares, 'events'>;
  readonly printing: Pick<PrintService, 'events' | 'printers'>;
  /** DNS-SD services of the printers that everyone may use, on the open guests port. */
  readonly printerServices: (guestsPort: number) => readonly Announcement[];
  /** Of the folders that everyone may read there. */
  readonly folderServices: (guestsPort: number) => readonly Announcement[];
  readonly guests: GuestPort;
  readonly neighbours: Pick<Neighbours, 'resourcesChanged'>;
  readonly discovery: Pick<Discovery, 'announce' | 'renames'>;
  readonly notices: NoticeBoard;
  /** The guests port opened or closed. */
  readonly portsChanged: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A part of the second within which an agent serves. */
const printersMs = 300;

/** Kept when the guests port is as it has to be; the first announcement is on its way then. */
export async function announceOwn(deps: OwnDeps): Promise<AsyncDisposable> {
  const scope = new Scope();
  let work: Promise<void> = Promise.resolve();
  let again = false;
  const after = async (earlier: Promise<void>): Promise<void> => {
    await earlier;
    again = false;
    if (!scope.signal.aborted) await announce(deps);
  };
  const settle = (): void => {
    deps.neighbours.resourcesChanged();
    if (again) return;
    again = true;
    work = after(work);
  };
  scope.use(deps.config.events.on('changed', settle));
  scope.use(deps.shares.events.on('changed', settle));
  scope.use(deps.printing.events.on('printers', settle));
  // The texts of printers name the host.
  scope.use(deps.discovery.renames.on('renamed', settle));
  scope.defer(() => work);
  // Whoever asks for the ports right after the start is told the true ones.
  await printersKnown(deps);
  await openOrCloseGuests(deps);
  settle();
  return scope;
}

async function announce(deps: OwnDeps): Promise<void> {
  const { guests, discovery, log } = deps;
  await openOrCloseGuests(deps);
  const { port } = guests;
  const forEveryone = port === null ? [] : [...deps.printerServices(port), ...deps.folderServices(port)];
  try {
    await discovery.announce([agentService(deps), ...forEveryone]);
  } catch (error) {
    // Discovery degrades alone: known neighbours are dialled all the same.
    log.warn({ error: toNethoodError(error).message }, 'this device could not be announced');
  }
}

async function openOrCloseGuests(deps: OwnDeps): Promise<void> {
  const { guests, notices } = deps;
  const before = guests.port;
  await guests.setOpen(hasGuests(deps)).then(
    () => notices.clear('guests'),
    (error: unknown) => {
      const { code, message } = toNethoodError(error);
      notices.raise('guests', code, message);
    },
  );
  if (guests.port !== before) deps.portsChanged();
}

/** The print systems are asked as the agent starts: what is shared of theirs is known when they have answered, or do not soon. */
async function printersKnown(deps: OwnDeps): Promise<void> {
  if (hasGuests(deps) || !deps.config.current.printers.some(({ audience }) => audience === 'everyone')) return;
  const known = new AbortController();
  using _ = deps.printing.events.on('printers', () => known.abort());
  // Either way it goes on.
  await sleep(deps.clock, printersMs, known.signal).catch(() => undefined);
}

function hasGuests({ config: { current }, printing }: OwnDeps): boolean {
  if (current.paused) return false;
  const printers = printing.printers().filter(({ local }) => local);
  return [...current.shares, ...printers].some(({ audience }) => audience === 'everyone');
}

function agentService({ id, name, peersPort }: OwnDeps): Announcement {
  const txt = AgentTxt.parse({ id, v: String(protocolVersion.max), name: name() });
  return { name: name(), type: 'nethood', subtypes: [], port: peersPort, txt };
}

/** Calls about folders: our shares, the shares of neighbours, and transfers. */
import { mkdir } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { CallRequest, CallResponse } from '../../protocol/control.ts';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { RemoteShare } from '../../protocol/resources.ts';
import { rootPath, typedPathReadings, type WirePath } from '../../protocol/wire-path.ts';
import type { FileTree } from '../files/file-tree.ts';
import { splitPattern } from '../files/name-pattern.ts';
import type { Neighbour } from '../peers/neighbours.ts';
import { readyNeighbour } from './actions-neighbours.ts';
import type { ActionDeps, ControlCalls } from './control-actions.ts';
import { resolveAudience } from './audience.ts';
import { patiently } from './patience.ts';
import { entryView } from './views.ts';

type FileCalls = Pick<ControlCalls, 'share' | 'unshare' | 'list' | 'get' | 'transfer-cancel'>;
type FileDeps = Pick<ActionDeps, 'clock' | 'shares' | 'transfers' | 'neighbours' | 'remoteTree' | 'publicFolder'>;

export function fileCalls(deps: FileDeps): FileCalls {
  return {
    share: (request) => share(deps, request),
    unshare: ({ name }) => deps.shares.remove(name),
    list: (request, signal) => list(deps, request, signal),
    get: (request, signal) => patiently(deps, request.neighbour, signal, () => get(deps, request, signal)),
    'transfer-cancel': ({ id }) => deps.transfers.cancel(id),
  };
}

async function share(deps: FileDeps, request: CallRequest<'share'>): Promise<CallResponse<'share'>> {
  // Before the folder is made: a request that fails leaves nothing behind.
  const audience = resolveAudience(request.audience ?? 'everyone', deps.neighbours);
  const rights = request.write === true ? 'write' : 'read';
  const folder = await folderToShare(deps, request);
  return deps.shares.add({ folder, name: request.name, audience, rights });
}

async function folderToShare(deps: FileDeps, request: CallRequest<'share'>): Promise<string> {
  if (request.public !== true) return absolute(request.folder ?? '', 'folder to share');
  if (request.folder !== undefined)
    throw new NethoodError('bad-request', 'Either a folder is shared or the folder Public, not both at once.');
  await mkdir(deps.publicFolder, { recursive: true }).catch((cause: unknown) => {
    throw new NethoodError('write-failed', `The folder ${deps.publicFolder} cannot be made.`, { cause });
  });
  return deps.publicFolder;
}

export interface Place {
  readonly neighbour: Neighbour;
  readonly share: RemoteShare;
  readonly tree: FileTree;
  /** For people: `<neighbour>/<share>/<path as typed>`. */
  readonly text: string;
  readonly readings: readonly WirePath[];
}

async function list(deps: FileDeps, request: CallRequest<'list'>, signal: AbortSignal): Promise<CallResponse<'list'>> {
  const place = await placeOf(deps, request, signal);
  return firstThatExists(place, (path) => listOne(place.tree, path, request.cursor, signal));
}

async function listOne(
  tree: FileTree,
  path: WirePath,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<CallResponse<'list'>> {
  try {
    const page = await tree.list(path, cursor, signal);
    const entries = page.entries.map((entry) => entryView(path, entry));
    return { entries, skipped: page.skipped, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
  } catch (error) {
    if (!hasCode(error, 'not-a-folder')) throw error;
    const entry = await tree.stat(path, signal);
    return { entries: [entryView(path, { ...entry, path: rootPath })], skipped: 0 };
  }
}

async function get(deps: FileDeps, request: CallRequest<'get'>, signal: AbortSignal): Promise<CallResponse<'get'>> {
  const destination = absolute(request.destination, 'destination');
  const place = await placeOf(deps, request, signal);
  // Asked before the transfer begins: what does not exist is an error, not a transfer that failed.
  const what = await sourceOf(place, request.path, signal);
  const { neighbour, share: source, text } = place;
  return deps.transfers.get({ neighbour: neighbour.id, share: source.id, ...what, source: text, destination });
}

/** What has that very name first; where nothing has, it may be a pattern. @throws NethoodError `not-found` */
export async function sourceOf(
  place: Place,
  typed: string,
  signal: AbortSignal,
): Promise<{ path: WirePath; matching?: string }> {
  const there = async (reading: WirePath): Promise<WirePath> => {
    await place.tree.stat(reading, signal);
    return reading;
  };
  const pattern = splitPattern(typed);
  try {
    return { path: await firstThatExists(place, there) };
  } catch (error) {
    if (pattern === undefined || !hasCode(error, 'not-found')) throw error;
    const base = { ...place, readings: typedPathReadings(pattern.base) };
    return { path: await firstThatExists(base, there), matching: pattern.rest };
  }
}

export async function placeOf(
  { neighbours, remoteTree }: Pick<FileDeps, 'neighbours' | 'remoteTree'>,
  request: { neighbour: string; share: string; path: string },
  signal: AbortSignal,
): Promise<Place> {
  const readings = typedPathReadings(request.path);
  const neighbour = await readyNeighbour(neighbours, request.neighbour, signal);
  const found = shareNamed(neighbour, request.share);
  const path = request.path.replace(/\/+$/, '');
  const text = [neighbour.name, found.name, ...(path === '' ? [] : [path])].join('/');
  return { neighbour, share: found, tree: remoteTree(neighbour.id, found.id), text, readings };
}

/** The exact name first; else the only one that differs in case alone. @throws NethoodError `not-found` */
export function shareNamed({ name: owner, resources: { shares } }: Neighbour, name: string): RemoteShare {
  const exact = shares.find((candidate) => candidate.name === name);
  if (exact !== undefined) return exact;
  const folded = name.toLowerCase();
  const [only, ...others] = shares.filter((candidate) => candidate.name.toLowerCase() === folded);
  if (only !== undefined && others.length === 0) return only;
  throw new NethoodError('not-found', `"${owner}" shares no folder "${name}" with this device.`);
}

async function firstThatExists<T>(place: Place, ask: (path: WirePath) => Promise<T>): Promise<T> {
  let missing: unknown;
  for (const path of place.readings) {
    try {
      return await ask(path);
    } catch (error) {
      if (!hasCode(error, 'not-found')) throw error;
      missing = error;
    }
  }
  throw new NethoodError('not-found', `"${place.text}" does not exist.`, { cause: missing });
}

export function absolute(path: string, what: string): string {
  if (!isAbsolute(path))
    throw new NethoodError('bad-request', `The ${what} "${path.slice(0, 200)}" is no absolute path.`);
  return path;
}

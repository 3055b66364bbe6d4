/** Names for what comes beside a file of the same name, where both are to be kept: `report (2).pdf`. */
import type { BigIntStats } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { pathFromComponents, type WirePath } from '../../protocol/wire-path.ts';
import { isContent, sameContent } from './content-digest.ts';
import type { WrittenFile } from './file-tree.ts';
import { etagOf, modifiedOf } from './file-version.ts';
import { numberedName } from './local-name.ts';
import type { Spot } from './local-spot.ts';
import type { LocalWriter } from './local-writer.ts';
import { lookAt } from './new-name.ts';
import type { Version } from './publish.ts';
import { entryOf } from './tree-walker.ts';
import type { WritableLocalTree } from './writable-local-tree.ts';

const mostNumbers = 1_000;

export function isVersion(stat: BigIntStats | undefined, { size, modified }: Version): stat is BigIntStats {
  return stat?.isFile() === true && stat.size === BigInt(size) && modifiedOf(stat) === modified;
}

/** Where this version is, under the name or a numbered one, by size and time. */
export async function keptAs(spot: Spot, version: Version): Promise<WirePath | undefined> {
  for (const each of candidates(spot)) {
    const stat = await lookAt(each.at);
    if (stat === undefined) return undefined;
    if (isVersion(stat, version)) return pathFromComponents(each.components);
  }
  return undefined;
}

/** Gives a whole part the first name that is free; where one of them has this very file already, that is it. */
export async function giveKept(
  writer: LocalWriter,
  { part, spot, version }: { part: Buffer; spot: Spot; version: Version },
  signal: AbortSignal,
): Promise<WrittenFile> {
  for (const each of candidates(spot)) {
    const stat = await lookAt(each.at);
    if (isVersion(stat, version) && (await sameContent(part, each.at, version.size, signal))) {
      await unlink(part);
      return { entry: entryOf(pathFromComponents(each.components), stat), etag: etagOf(stat), created: false };
    }
    if (stat !== undefined) continue;
    const written = await writer.give(part, each, { fresh: true, signal }).catch(unlessTaken);
    if (written !== undefined) return written;
  }
  throw tooMany(spot);
}

interface KeptWrite {
  readonly content: Buffer;
  readonly modified: number;
  readonly signal: AbortSignal;
}

/** As `giveKept`, of a file that is in memory. */
export async function writeKept(tree: WritableLocalTree, path: WirePath, write: KeptWrite): Promise<void> {
  const { content, modified, signal } = write;
  const version = { size: content.length, modified };
  await tree.spots.hold(path, async (spot) => {
    for (const each of candidates(spot)) {
      const stat = await lookAt(each.at);
      if (isVersion(stat, version) && (await isContent(each.at, content, signal))) return;
      if (stat !== undefined) continue;
      const options = { ...version, body: Readable.from([content]), fresh: true, signal };
      const written = await tree.write(pathFromComponents(each.components), options).catch(unlessTaken);
      if (written !== undefined) return;
    }
    throw tooMany(spot);
  });
}

/** Taken meanwhile, or by a name that some systems take for it. */
function unlessTaken(error: unknown): undefined {
  if (!hasCode(error, 'exists')) throw error;
}

function tooMany({ what }: Spot): NethoodError {
  return new NethoodError('exists', `Too much is called like ${what}.`);
}

function* candidates(spot: Spot): Generator<Spot, void> {
  yield spot;
  for (let number = 2; number < mostNumbers; number++) {
    const name = numberedName(spot.name, number);
    yield { ...spot, name, at: spot.folder.at(name), components: [...spot.components.slice(0, -1), name] };
  }
}

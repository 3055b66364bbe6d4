/** One way to move the file, and the rounds in which all ways are measured side by side. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSameContent } from './workspace.ts';

export interface Moved {
  /** From the command's start to its end. */
  readonly seconds: number;
  /** Without the command's own start, where it can say so. */
  readonly movingSeconds?: number;
}

export interface Mover extends AsyncDisposable {
  readonly name: string;
  /** The file appears at `target`, which does not exist before. */
  move(target: string): Promise<Moved>;
}

export interface Race {
  readonly file: string;
  readonly folder: string;
  readonly rounds: number;
}

/** Each round takes every way once, so that what else the machine does weighs on all alike. The first round is also compared. */
export async function race(movers: readonly Mover[], { file, folder, rounds }: Race): Promise<Map<Mover, Moved[]>> {
  const results = new Map<Mover, Moved[]>(movers.map((mover) => [mover, []]));
  for (let round = 0; round < rounds; round++)
    for (const [mover, moved] of results) {
      const target = join(folder, 'received.bin');
      moved.push(await mover.move(target));
      if (round === 0) await assertSameContent(file, target);
      await rm(target);
    }
  return results;
}

/** What cannot run here is left out with its reason, not the end of the run. */
export async function attempt<T extends object>(opening: Promise<T | string>): Promise<T | string> {
  try {
    const opened = await opening;
    return typeof opened === 'string' ? `no ${opened} here` : opened;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error))
      .trim()
      .replaceAll(/\s*\n\s*/g, '; ')
      .slice(0, 200);
  }
}

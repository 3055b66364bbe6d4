/** One way to move a file or a folder, and the rounds in which all ways are measured side by side. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSame } from './workspace.ts';

export interface Moved {
  /** From the command's start to its end. */
  readonly seconds: number;
  /** Without the command's own start, where it can say so. */
  readonly movingSeconds?: number;
}

export interface Mover extends AsyncDisposable {
  readonly name: string;
  /** So slow that one round must do. */
  readonly slow?: boolean;
  /** What is moved appears at `target`, which does not exist before. */
  move(target: string): Promise<Moved>;
}

/** For movers that have nothing of their own to end. */
export const nothing = { [Symbol.asyncDispose]: (): Promise<void> => Promise.resolve() };

export interface Race {
  /** A file or a folder. */
  readonly file: string;
  readonly folder: string;
  readonly rounds: number;
}

/** Each round takes every way once, so that what else the machine does weighs on all alike. The first round is also compared. */
export async function race(movers: readonly Mover[], { file, folder, rounds }: Race): Promise<Map<Mover, Moved[]>> {
  const results = new Map<Mover, Moved[]>(movers.map((mover) => [mover, []]));
  for (let round = 0; round < rounds; round++)
    for (const [mover, moved] of results) {
      if (round > 0 && mover.slow === true) continue;
      const target = join(folder, 'received.bin');
      moved.push(await mover.move(target));
      if (round === 0) await assertSame(file, target);
      await rm(target, { recursive: true });
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

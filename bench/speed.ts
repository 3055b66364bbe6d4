/** What a race came to, as rows of a table. */
import type { Moved, Mover } from './mover.ts';
import { median } from './table.ts';

/** Ratios to the first: of rates, so more is better. */
export function speedRows(results: ReadonlyMap<Mover, readonly Moved[]>, bytes: number): string[][] {
  const lines = Array.from(results).flatMap(([{ name }, moved]) => {
    const alone = moved.flatMap(({ movingSeconds }) => (movingSeconds === undefined ? [] : [movingSeconds]));
    const command = { name, seconds: moved.map(({ seconds }) => seconds) };
    return alone.length === 0 ? [command] : [command, { name: '  of it the transfer itself', seconds: alone }];
  });
  const reference = median(lines[0]?.seconds ?? [1]);
  const rate = (seconds: number): string => (bytes / seconds / 1e6).toFixed(0);
  return lines.map(({ name, seconds }) => {
    const middle = median(seconds);
    const [worst, best] = [Math.max(...seconds), Math.min(...seconds)];
    return [name, middle.toFixed(2), rate(middle), (reference / middle).toFixed(2), rate(worst), rate(best)];
  });
}

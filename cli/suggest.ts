/** What a mistyped word was meant to be. Pure. */

/** As other programs call it. */
const synonyms: Readonly<Record<string, string>> = {
  neighbors: 'neighbours',
  neighbor: 'neighbour',
  peers: 'neighbours',
  devices: 'neighbours',
  list: 'ls',
  dir: 'ls',
  fetch: 'get',
  download: 'get',
  copy: 'get',
  cp: 'get',
  upload: 'put',
  send: 'put',
  lp: 'print',
  lpr: 'print',
  lpstat: 'jobs',
  queue: 'jobs',
  rename: 'name',
  quit: 'stop',
  exit: 'stop',
  search: 'find',
};

export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const synonym = synonyms[lower];
  if (synonym !== undefined && known.includes(synonym)) return synonym;
  const begun = known.filter((candidate) => lower.length >= 2 && candidate.startsWith(lower));
  if (begun.length === 1) return begun[0];
  const most = lower.length <= 4 ? 1 : 2;
  const [best] = known
    .map((candidate) => ({ candidate, distance: distance(lower, candidate) }))
    .filter((found) => found.distance <= most)
    .toSorted((a, b) => a.distance - b.distance);
  return best?.candidate;
}

/** Edits (insert, delete, replace, swap of neighbours) from one word to the other: optimal string alignment. */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, at) => at)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + (same ? 0 : 1),
          swapped ? at(i - 2, j - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(from.length, to.length);
}

/** Small seeded counts for `npm test`, the full ones for `npm run test:long`. */
const long = process.env['NETHOOD_TEST_LONG'] === '1';

export function count(short: number, full: number): number {
  return long ? full : short;
}

/** mulberry32: the same seed gives the same run. NETHOOD_TEST_SEED changes it. */
export function seededRandom(seed = Number(process.env['NETHOOD_TEST_SEED'] ?? 1)): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

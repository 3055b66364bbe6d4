/** How long a piece of work takes in itself, on a machine that others use too. */

/** Above this the clock is doubted: another program may have had the processor. */
const suspectMs = 10;

export function msOf(work: () => void): number {
  const start = performance.now();
  work();
  const took = performance.now() - start;
  // Time of the processor, the least of three: what is slow in itself is slow each time, and not only by the clock.
  return took < suspectMs ? took : Math.min(took, cpuMsOf(work), cpuMsOf(work), cpuMsOf(work));
}

function cpuMsOf(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

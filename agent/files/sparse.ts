/** Which files have holes that are worth looking for. Where a file system compresses, whatever it left out looks like one. */

/** Of a file that lacks less it is not worth looking for holes. */
const leastHole = 64 << 10;
/** Of a small one, which costs a request of its own then. */
const leastHoleAlone = 1 << 20;
/** What stat counts in. */
const statBlock = 512;

interface Room {
  readonly size: number;
  /** Bytes that it takes on disk. */
  readonly allocated: number;
}

export function allocatedBy({ blocks }: { readonly blocks: number | bigint }): number {
  return Number(blocks) * statBlock;
}

export function isSparse({ size, allocated }: Room): boolean {
  return size - allocated >= leastHole;
}

/** Whether it goes by itself, in blocks, where others of its size go together: there everything is written. */
export function isSparseAlone({ size, allocated }: Room): boolean {
  return size - allocated >= leastHoleAlone;
}

/**
 * The names of a folder that come next in order of their bytes: as many as a bound of memory allows. Names are latin1
 * strings, one character a byte: compact, and compared bytewise. Pure.
 */

/** What a name costs in memory beside its bytes: the string's head and its place in an array. */
const overhead = 40;
/** Bytes of the names of one window. */
const windowBytes = 12 << 20;
/** Sorted at once, so that nothing else waits for long. */
const sortedAtOnce = 8192;
const sampleSize = 1001;

/** A part of a folder's names without gaps. Shared by all that go through the folder at the same time. */
export class NameWindow {
  /** No name of the folder comes after the last one. */
  readonly complete: boolean;
  readonly bytes: number;
  /** Each holds what comes before the next one; sorted when it is asked for. */
  readonly #buckets: string[][];
  readonly #sorted = new Set<string[]>();

  constructor(names: readonly string[], complete: boolean) {
    this.complete = complete;
    this.bytes = names.reduce((sum, name) => sum + overhead + name.length, 0);
    this.#buckets = bucketsOf(names);
  }

  /** Sorted names; undefined after the last bucket. */
  bucket(at: number): readonly string[] | undefined {
    const names = this.#buckets[at];
    if (names !== undefined && !this.#sorted.has(names)) {
      // Without a comparator: by UTF-16 code units, which are the bytes here.
      names.sort();
      this.#sorted.add(names);
    }
    return names;
  }
}

/** Picks a window out of all names of a folder, which come in any order. */
export class WindowPicker {
  readonly #after: string | undefined;
  readonly #mostBytes: number;
  #names: string[] = [];
  #bytes = 0;
  /** No name from here on is wanted. */
  #limit: string | undefined;

  /** @param after the window begins after this name */
  constructor(after: string | undefined, mostBytes = windowBytes) {
    this.#after = after;
    this.#mostBytes = mostBytes;
  }

  add(name: string): void {
    if (this.#after !== undefined && name <= this.#after) return;
    if (this.#limit !== undefined && name >= this.#limit) return;
    this.#names.push(name);
    this.#bytes += overhead + name.length;
    if (this.#bytes > this.#mostBytes && this.#names.length > 1) this.#cut();
  }

  window(): NameWindow {
    return new NameWindow(this.#names, this.#limit === undefined);
  }

  /** To about the first half: which names stay is exact, only how many is left to the sample. */
  #cut(): void {
    const sample = sampleOf(this.#names, sampleSize);
    const limit = sample[sample.length >>> 1] ?? '';
    this.#limit = limit;
    this.#names = this.#names.filter((name) => name < limit);
    this.#bytes = this.#names.reduce((sum, name) => sum + overhead + name.length, 0);
  }
}

function bucketsOf(names: readonly string[]): string[][] {
  const count = Math.ceil(names.length / sortedAtOnce);
  if (count <= 1) return [[...names]];
  const sample = sampleOf(names, sampleSize);
  const pivots = Array.from({ length: count - 1 }, (_, at) => sample[Math.floor(((at + 1) * sample.length) / count)]);
  const buckets = Array.from({ length: count }, (): string[] => []);
  for (const name of names) buckets[bucketOf(name, pivots)]?.push(name);
  return buckets;
}

/** How many pivots are not after the name. */
function bucketOf(name: string, pivots: readonly (string | undefined)[]): number {
  let low = 0;
  let high = pivots.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pivots[middle] ?? '') <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** At most so many of the names, evenly picked, sorted. */
function sampleOf(names: readonly string[], size: number): string[] {
  const step = Math.max(1, names.length / size);
  const sample: string[] = [];
  for (let at = 0; at < names.length; at += step) sample.push(names[Math.floor(at)] ?? '');
  return sample.toSorted();
}

/**
 * The write locks of one door (RFC 4918 sections 6 and 7), in memory: they expire, there are only so many, and they end
 * with the agent. Pure but for the clock. A lock is on a path; what is in its scope is asked by path too.
 */
import { NethoodError } from '../../protocol/errors.ts';
import { parentPath, type WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';

export const lockLimits = { locks: 1000, perPath: 32, ownerText: 4096, seconds: 3600 } as const;

export interface Lock {
  /** A URI, unique for ever (RFC 4918 section 6.5). */
  readonly token: string;
  readonly root: WirePath;
  readonly kind: 'folder' | 'file';
  readonly exclusive: boolean;
  /** Everything below the root too (Depth: infinity). */
  readonly deep: boolean;
  /** The owner element, as XML; whoever locks says in it what people may see. */
  readonly owner: string | undefined;
  readonly seconds: number;
}

interface Held {
  lock: Lock;
  /** By the monotonic clock. */
  expires: number;
}

export class LockTable {
  readonly #clock: Clock;
  readonly #byToken = new Map<string, Held>();
  readonly #byRoot = new Map<WirePath, Held[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get empty(): boolean {
    return this.#byToken.size === 0;
  }

  /** The locks that are in the way of a new one; none where it was granted. @throws `busy`, `too-large` */
  add(lock: Lock): readonly Lock[] {
    this.#expire();
    const conflicts = this.#conflicts(lock);
    if (conflicts.length > 0) return conflicts;
    const there = this.#byRoot.get(lock.root) ?? [];
    if (this.#byToken.size >= lockLimits.locks || there.length >= lockLimits.perPath)
      throw new NethoodError('busy', 'Too many locks are held here.', { retryAfterMs: 60_000 });
    if ((lock.owner?.length ?? 0) > lockLimits.ownerText)
      throw new NethoodError('too-large', 'The owner of a lock is described in 4 kB at most.');
    const held = { lock, expires: this.#clock.now() + lock.seconds * 1000 };
    this.#byToken.set(lock.token, held);
    this.#byRoot.set(lock.root, [...there, held]);
    return [];
  }

  /** The refreshed lock; undefined where there is none of this token. */
  refresh(token: string, seconds: number): Lock | undefined {
    this.#expire();
    const held = this.#byToken.get(token);
    if (held === undefined) return undefined;
    held.lock = { ...held.lock, seconds };
    held.expires = this.#clock.now() + seconds * 1000;
    return held.lock;
  }

  remove(token: string): void {
    const held = this.#byToken.get(token);
    if (held === undefined) return;
    this.#byToken.delete(token);
    const { root } = held.lock;
    const others = (this.#byRoot.get(root) ?? []).filter((other) => other !== held);
    if (others.length === 0) this.#byRoot.delete(root);
    else this.#byRoot.set(root, others);
  }

  /** What is no longer there has no locks (RFC 4918 sections 7.6 and 9.6); they don't move either (7.7). */
  forget(path: WirePath): void {
    for (const [root, held] of this.#byRoot)
      if (root === path || isBelow(root, path)) for (const { lock } of held) this.remove(lock.token);
  }

  /** In whose scope a path is: its own locks, and the deep ones above it. */
  on(path: WirePath): readonly Lock[] {
    if (this.#byToken.size === 0) return [];
    this.#expire();
    const found = this.#rooted(path);
    for (let above = path; above !== '';) {
      above = parentPath(above);
      found.push(...this.#rooted(above).filter(({ deep }) => deep));
    }
    return found;
  }

  /** Rooted below a path, one list for each root. */
  below(path: WirePath): readonly (readonly Lock[])[] {
    this.#expire();
    return [...this.#byRoot.keys()].filter((root) => isBelow(root, path)).map((root) => this.#rooted(root));
  }

  #rooted(path: WirePath): Lock[] {
    return (this.#byRoot.get(path) ?? []).map(({ lock }) => lock);
  }

  /** RFC 4918 section 6.2: an exclusive lock bears no other, a shared one no exclusive one. */
  #conflicts({ root, deep, exclusive }: Lock): Lock[] {
    const near = [...this.on(root), ...(deep ? this.below(root).flat() : [])];
    return near.filter((other) => exclusive || other.exclusive);
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [token, { expires }] of this.#byToken) if (expires <= now) this.remove(token);
  }
}

export function isBelow(path: WirePath, folder: WirePath): boolean {
  return folder === '' ? path !== '' : path.startsWith(`${folder}/`);
}

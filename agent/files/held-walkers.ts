/**
 * Listings that are not at their end, kept for the next page. At most two for each asker, and each for a minute after
 * its last page; a cursor whose walker is gone says where to go on, so that only time is lost. An asker gets two pages
 * at a time, the others wait: one who asks for much slows itself.
 */
import { NethoodError } from '../../protocol/errors.ts';
import { parseWirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import { randomId } from '../base/random-id.ts';
import type { Page } from './file-tree.ts';
import { LargeFolders } from './large-folders.ts';
import { Slots } from './slots.ts';
import type { TreeWalker } from './tree-walker.ts';

const mostPerAsker = 2;
const mostInAll = 64;
/** Bytes of names held by all; those that were not used for longest let go of theirs first. */
const mostNames = 48 << 20;
const idleMs = 60_000;
/** Of the schema; a longer place is left out, and its cursor ends with its walker. */
const longestCursor = 1024;

interface Held {
  readonly id: string;
  readonly asker: string;
  /** What is listed, so that a cursor serves only its own listing. */
  readonly subject: string;
  readonly walker: TreeWalker;
  readonly expiry: Disposable;
}

export interface PageRequest {
  readonly asker: string;
  readonly subject: string;
  readonly cursor: string | undefined;
  readonly signal: AbortSignal;
  readonly begin: (large: LargeFolders) => TreeWalker;
}

export class HeldWalkers implements Disposable {
  readonly #clock: Clock;
  readonly #large: LargeFolders;
  /** In order of their last use. */
  readonly #held = new Map<string, Held>();
  readonly #slots = new Map<string, { slots: Slots; users: number }>();
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#large = new LargeFolders(clock);
  }

  async page(request: PageRequest): Promise<Page> {
    const own = this.#slots.get(request.asker) ?? { slots: new Slots(mostPerAsker), users: 0 };
    this.#slots.set(request.asker, own);
    own.users++;
    try {
      return await own.slots.run(request.signal, () => this.#page(request));
    } finally {
      if (--own.users === 0) this.#slots.delete(request.asker);
    }
  }

  async #page(request: PageRequest): Promise<Page> {
    const walker = this.#walker(request);
    const { entries, skipped, done } = await walker.page(request.signal);
    if (done || this.#ended) return { entries, skipped };
    return { entries, skipped, cursor: this.#hold(request, walker) };
  }

  #walker({ asker, subject, cursor, begin }: PageRequest): TreeWalker {
    if (cursor === undefined) return begin(this.#large);
    const [id = '', ...rest] = cursor.split(':');
    const place = rest.join(':');
    const held = this.#held.get(id);
    if (held !== undefined && held.asker === asker && held.subject === subject) {
      this.#end(held);
      // The same cursor a second time: its answer was lost, and the walker is a page further.
      if (place === '' || held.walker.place === place) return held.walker;
    }
    if (place === '') throw new NethoodError('bad-request', 'The listing has expired; begin it again.');
    const walker = begin(this.#large);
    walker.jump(parseWirePath(place));
    return walker;
  }

  #hold({ asker, subject }: PageRequest, walker: TreeWalker): string {
    const id = randomId().slice(0, 10);
    const expiry = this.#clock.timer(idleMs, () => this.#end(held));
    const held: Held = { id, asker, subject, walker, expiry };
    this.#held.set(id, held);
    const others = [...this.#held.values()].filter((other) => other.asker === asker);
    for (const other of others.slice(0, -mostPerAsker)) this.#end(other);
    const [oldest] = this.#held.values();
    if (this.#held.size > mostInAll && oldest !== undefined) this.#end(oldest);
    this.#letGo();
    const place = walker.place ?? '';
    return id.length + 1 + place.length <= longestCursor ? `${id}:${place}` : `${id}:`;
  }

  #letGo(): void {
    let names = 0;
    for (const { walker } of this.#held.values()) names += walker.held;
    for (const { walker } of this.#held.values()) {
      if (names <= mostNames) return;
      names -= walker.held;
      walker.letGo();
    }
  }

  #end(held: Held): void {
    held.expiry[Symbol.dispose]();
    this.#held.delete(held.id);
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    for (const held of Array.from(this.#held.values())) this.#end(held);
    this.#large[Symbol.dispose]();
  }
}

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
import { Slots } from './slots.ts';
import type { TreeWalker } from './tree-walker.ts';

const mostPerAsker = 2;
const mostInAll = 64;
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
  readonly begin: () => TreeWalker;
}

export class HeldWalkers implements AsyncDisposable {
  readonly #clock: Clock;
  /** In order of their last use. */
  readonly #held = new Map<string, Held>();
  readonly #slots = new Map<string, { slots: Slots; users: number }>();
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
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
    const walker = await this.#walker(request);
    try {
      const { entries, skipped, done } = await walker.page(request.signal);
      if (!done && !this.#ended) return { entries, skipped, cursor: await this.#hold(request, walker) };
      await walker[Symbol.asyncDispose]();
      return { entries, skipped };
    } catch (error) {
      await walker[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #walker({ asker, subject, cursor, begin }: PageRequest): Promise<TreeWalker> {
    if (cursor === undefined) return begin();
    const [id = '', ...rest] = cursor.split(':');
    const place = rest.join(':');
    const held = this.#held.get(id);
    if (held !== undefined && held.asker === asker && held.subject === subject) {
      this.#forget(held);
      // The same cursor a second time: its answer was lost, and the walker is a page further.
      if (place === '' || held.walker.place === place) return held.walker;
      await held.walker[Symbol.asyncDispose]();
    }
    if (place === '') throw new NethoodError('bad-request', 'The listing has expired; begin it again.');
    const walker = begin();
    walker.jump(parseWirePath(place));
    return walker;
  }

  async #hold({ asker, subject }: PageRequest, walker: TreeWalker): Promise<string> {
    const id = randomId().slice(0, 10);
    const expiry = this.#clock.timer(idleMs, () => void this.#end(id));
    this.#held.set(id, { id, asker, subject, walker, expiry });
    const others = [...this.#held.values()].filter((held) => held.asker === asker);
    for (const held of others.slice(0, -mostPerAsker)) await this.#end(held.id);
    const [oldest] = this.#held.keys();
    if (this.#held.size > mostInAll && oldest !== undefined) await this.#end(oldest);
    const place = walker.place ?? '';
    return id.length + 1 + place.length <= longestCursor ? `${id}:${place}` : `${id}:`;
  }

  #forget(held: Held): void {
    held.expiry[Symbol.dispose]();
    this.#held.delete(held.id);
  }

  async #end(id: string): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#forget(held);
    await held.walker[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    for (const id of Array.from(this.#held.keys())) await this.#end(id);
  }
}

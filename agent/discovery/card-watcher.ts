/** Notices cards and addresses that come and go, and the PC's waking from sleep. */
import { networkInterfaces } from 'node:os';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { type Card, type CardRules, chooseCards, linkTest, parseNetwork, type SystemCards } from './cards.ts';

export interface CardWatcher extends Disposable {
  readonly events: Emitter<{
    /** Cards, addresses or rules changed. */
    changed: [readonly Card[]];
    /** More time passed between two looks than can have: the PC slept. */
    woke: [];
  }>;
  /** The cards in use. */
  readonly cards: readonly Card[];
  /** Whether an address (IPv4, IPv6 with or without zone, IPv4-mapped) belongs to this link. */
  onLink(address: string): boolean;
  /** Looks now, for rules that have changed. */
  look(): void;
}

interface CardWatcherDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Asked at each look: the configuration may change. */
  readonly rules: () => CardRules;
  readonly read?: () => SystemCards;
  readonly platform?: NodeJS.Platform;
}

/** No portable notification exists; a look costs about 0.1 ms. What changed is to be told within a second. */
const lookEveryMs = 500;
/** A change is rarely alone: an address goes before the next one comes. */
const lookAgainMs = 100;
const sleptMs = 10_000;
/** What was read so lately is not read again for one address more. */
const freshMs = 50;

export function watchCards(deps: CardWatcherDeps): CardWatcher {
  return new PollingCardWatcher(deps);
}

class PollingCardWatcher implements CardWatcher {
  readonly events: CardWatcher['events'] = new Emitter();
  readonly #deps: CardWatcherDeps;
  #cards: readonly Card[] = [];
  #test: (address: string) => boolean = () => false;
  /** What was read last, and what of it is in use. */
  #raw = '';
  #seen = '';
  #changed = false;
  #lookedAt: number;
  #readAt = Number.NEGATIVE_INFINITY;
  #timer: Disposable;

  constructor(deps: CardWatcherDeps) {
    this.#deps = deps;
    this.#lookedAt = deps.clock.wall();
    this.look();
    this.#timer = this.#next();
  }

  get cards(): readonly Card[] {
    return this.#cards;
  }

  /** Somebody may call by an address of ours that is newer than the last look, and must not be taken for a stranger. */
  onLink(address: string): boolean {
    if (this.#test(address)) return true;
    if (this.#deps.clock.now() - this.#readAt < freshMs || !this.#read()) return false;
    // Later: whoever asks is in the middle of something.
    queueMicrotask(() => this.events.emit('changed', this.#cards));
    return this.#test(address);
  }

  look(): void {
    if (this.#read()) this.events.emit('changed', this.#cards);
  }

  /** True where something changed. */
  #read(): boolean {
    this.#changed = false;
    this.#readAt = this.#deps.clock.now();
    const rules = this.#deps.rules();
    const system = (this.#deps.read ?? networkInterfaces)();
    const raw = JSON.stringify([system, rules]);
    if (raw === this.#raw) return false;
    this.#raw = raw;
    const cards = chooseCards(system, rules, this.#deps.platform ?? process.platform);
    const seen = JSON.stringify([cards, rules.networks]);
    if (seen === this.#seen) return false;
    this.#seen = seen;
    this.#changed = true;
    this.#cards = cards;
    this.#test = linkTest(cards, rules.networks);
    const wrong = rules.networks.filter((text) => parseNetwork(text) === undefined);
    if (wrong.length > 0) this.#deps.log.warn({ networks: wrong }, 'These networks are not address prefixes.');
    this.#deps.log.info({ cards: cards.map(({ name }) => name) }, 'Cards in use.');
    return true;
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #next(): Disposable {
    return this.#deps.clock.timer(this.#changed ? lookAgainMs : lookEveryMs, () => {
      // The wall clock: a monotonic one stands still while Linux sleeps. A clock that was set wakes nobody falsely but costs one announcement.
      const now = this.#deps.clock.wall();
      const slept = now - this.#lookedAt > lookEveryMs + sleptMs;
      this.#lookedAt = now;
      this.look();
      this.#timer = this.#next();
      if (slept) this.events.emit('woke');
    });
  }
}

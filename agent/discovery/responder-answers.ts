/**
 * When and to whom a question is answered (RFC 6762 5.4, 6, 7): at once where only we can, a little later where others
 * may; to all, or to the one who asked. Together with the announcements, since no record goes out twice a second.
 */
import { splitMessage } from './dns-encode.ts';
import type { DnsMessage, DnsQuestion, DnsRecord, SendEffect } from './dns-types.ts';
import { type Pace, paceAmong } from './responder-crowd.ts';
import { HeldQueries } from './responder-held.ts';
import {
  distinct,
  isKnown,
  knownKeys,
  legacyResponse,
  moreOf,
  ownAmong,
  recordsOf,
  response,
  setsFor,
} from './responder-questions.ts';
import { defenceEveryMs, type DueSet, MulticastSchedule } from './responder-schedule.ts';
import { UnicastAnswers } from './responder-unicast.ts';
import type { RecordSet, Zone } from './responder-zone.ts';

/** RFC 6762 6 */
const leastDelayMs = 20;
/** A legacy answer is one packet: its asker takes no second. */
const packetBytes = 1_440;

export interface Sender {
  readonly from: string;
  readonly port: number;
  readonly now: number;
}

/** What may be said at the moment. */
export interface Saying {
  readonly zone: Zone;
  /** Whether the names that it depends on are ours. */
  readonly isSaid: (set: RecordSet) => boolean;
  /** How many others are known to have shared records of this name (its key). */
  readonly othersWith: (name: string) => number;
}

interface Query {
  readonly questions: readonly DnsQuestion[];
  /** Keys of records of ours that the asker has. */
  readonly known: ReadonlySet<string>;
  /** Keys of the names that it probes for. */
  readonly probed: ReadonlySet<string>;
  readonly from: string;
  readonly now: number;
  /** It has waited long enough already. */
  readonly held: boolean;
}

interface Reply {
  readonly query: Query;
  readonly question: DnsQuestion;
  readonly when: When;
}

interface When {
  readonly due: number;
  readonly earliest: number;
}

const alone = paceAmong(0);

export class Answers {
  readonly #random: () => number;
  readonly #saying: Saying;
  readonly #schedule = new MulticastSchedule();
  readonly #unicast = new UnicastAnswers();
  readonly #held: HeldQueries;

  constructor(random: () => number, saying: Saying) {
    this.#random = random;
    this.#saying = saying;
    this.#held = new HeldQueries(random);
  }

  /** A query of multicast DNS; `probed` are the keys of the names that it wants for itself. */
  asked(query: DnsMessage, { from, now }: Sender, probed: ReadonlySet<string>): void {
    const known = knownKeys(query.answers, this.#saying.zone);
    // RFC 6762 7.2: more packets with known answers follow.
    const isHeld = query.truncated && query.questions.length > 0 && this.#held.hold(from, query.questions, now);
    this.#held.know(from, known, { truncated: query.truncated, now });
    if (!isHeld) this.#answer({ questions: distinct(query.questions), known, from, now, probed, held: false });
  }

  /** RFC 6762 6.7: a resolver that knows unicast DNS only. */
  askedByLegacy(query: DnsMessage, { from, port, now }: Sender): SendEffect[] {
    const answers = this.#setsFor(query.questions).filter(
      (set) => !isKnown(set, knownKeys(query.answers, this.#saying.zone)),
    );
    if (answers.length === 0 || !this.#unicast.mayAnswer(from, now)) return [];
    const more = moreOf(answers, this.#saying.zone);
    const [first] = splitMessage(legacyResponse(query, recordsOf(answers), recordsOf(more)), packetBytes);
    return first === undefined ? [] : [send(first, { address: from, port })];
  }

  /** Another has multicast these records. */
  heard(records: readonly DnsRecord[], now: number): void {
    for (const { ttl, set, ours } of ownAmong(records, this.#saying.zone)) {
      if (!this.#saying.isSaid(set)) continue;
      // RFC 6762 6.6: whoever believed it would forget too early what is ours.
      if (ttl * 2 < ours.ttl) this.#schedule.ask(set, set.kind === 'unique' ? at(now) : this.#later(now, alone));
      else if (ttl >= ours.ttl && set.records.length === 1) this.#schedule.answeredByOther(set);
    }
  }

  announce(set: RecordSet, now: number): void {
    if (set.kind !== 'negative') this.#schedule.announce(set, now);
  }

  /** A record was taken back: to say it anew is news. */
  forget(key: string): void {
    this.#schedule.forget(key);
  }

  /** The zone is another. */
  keep(now: number): void {
    this.#schedule.keep(this.#saying.zone, now);
  }

  /** Nobody waits for answers any more. */
  drop(): void {
    this.#schedule.clearWaiting();
    this.#unicast.clear();
    this.#held.clear();
  }

  tick(now: number): SendEffect[] {
    for (const { questions, known, from } of this.#held.take(now))
      this.#answer({ questions: distinct(questions), known, from, now, probed: new Set(), held: true });
    return [...this.#sendUnicast(now), ...this.#sendMulticast(now)];
  }

  nextAt(): number {
    return Math.min(this.#schedule.nextAt(), this.#unicast.nextAt(), this.#held.nextAt());
  }

  #answer(query: Query): void {
    const { questions, known, now } = query;
    // RFC 6762 6.3: the answers to several questions go together, and so does all of it by chance with that of others.
    const later = this.#later(now, alone);
    for (const question of questions)
      for (const set of this.#setsFor([question]))
        if (!isKnown(set, known)) this.#answerWith(set, { query, question, when: later });
  }

  #answerWith(set: RecordSet, to: Reply): void {
    const { questions, probed, held, now } = to.query;
    const isUnique = set.kind === 'unique' || set.kind === 'negative';
    const atOnce = held || (isUnique && questions.length === 1);
    const pace = this.#paceOf(set);
    if (isUnique && probed.has(set.name)) this.#schedule.ask(set, at(now), defenceEveryMs);
    else if (pace.crowded) this.#replyInCrowd(set, { ...to, when: this.#later(now, pace) }, pace);
    else this.#reply(set, atOnce ? { ...to, when: at(now) } : to);
  }

  /** What waits already serves this asker too; so does one multicast all who wait for an answer of their own. */
  #replyInCrowd(set: RecordSet, to: Reply, { everyMs }: Pace): void {
    if (this.#schedule.isWaiting(set)) return;
    if (this.#unicast.isAwaited(set, to.query.from)) this.#schedule.ask(set, to.when, everyMs);
    else this.#reply(set, to, everyMs);
  }

  /** RFC 6762 5.4: to the asker alone, unless the others have not heard it for long. */
  #reply(set: RecordSet, to: Reply, everyMs?: number): void {
    const { from, now } = to.query;
    const [first] = set.records;
    const quarterMs = ((first?.record.ttl ?? 0) / 4) * 1_000;
    const isRecent = this.#schedule.isSince(set, now - quarterMs);
    const asker = { address: from, port: 5353 };
    if (to.question.unicast && isRecent && this.#unicast.ask(asker, set, { due: to.when.due, now })) return;
    this.#schedule.ask(set, to.when, everyMs);
  }

  #sendUnicast(now: number): SendEffect[] {
    const { zone, isSaid } = this.#saying;
    return this.#unicast.take(now).flatMap(({ address, port, sets }) => {
      const answers = Array.from(sets, (key) => zone.sets.get(key))
        .filter((set) => set !== undefined)
        .filter(isSaid);
      const more = moreOf(answers, zone);
      return answers.length === 0 ? [] : [send(response(recordsOf(answers), recordsOf(more)), { address, port })];
    });
  }

  #sendMulticast(now: number): SendEffect[] {
    const { zone } = this.#saying;
    const due = this.#schedule.due(zone, now).filter(({ set }) => this.#keepSaid(set));
    if (due.length === 0) return [];
    const more = moreOf(
      due.map(({ set }) => set),
      zone,
    ).filter((set) => this.#schedule.isFree(set, now));
    for (const { set, keys } of due) {
      this.#schedule.sent(set, keys, now);
      // Where few are, unicast stays the surer way: on Wi-Fi it is acknowledged.
      if (this.#paceOf(set).crowded) this.#unicast.answered(set);
    }
    for (const set of more) this.#schedule.sent(set, new Set(set.records.map(({ key }) => key)), now);
    return [send(response(due.flatMap(freeRecords), recordsOf(more)))];
  }

  /** A name may have been lost while its records waited. */
  #keepSaid(set: RecordSet): boolean {
    const isSaid = this.#saying.isSaid(set);
    if (!isSaid) this.#schedule.cancel(set);
    return isSaid;
  }

  #setsFor(questions: readonly DnsQuestion[]): RecordSet[] {
    const { zone, isSaid } = this.#saying;
    return Array.from(new Set(questions.flatMap((question) => setsFor(question, zone)))).filter(isSaid);
  }

  #paceOf({ kind, name }: RecordSet): Pace {
    return kind === 'shared' ? paceAmong(this.#saying.othersWith(name)) : alone;
  }

  #later(now: number, { spreadMs }: Pace): When {
    return { due: now + leastDelayMs + spreadMs * this.#random(), earliest: now + leastDelayMs };
  }
}

function at(now: number): When {
  return { due: now, earliest: now };
}

function freeRecords({ set, keys }: DueSet): DnsRecord[] {
  return set.records.filter(({ key }) => keys.has(key)).map(({ record }) => record);
}

export function send(message: DnsMessage, to?: SendEffect['to']): SendEffect {
  return { type: 'send', message, to };
}

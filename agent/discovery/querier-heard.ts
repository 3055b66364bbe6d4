/**
 * Questions that others asked: what somebody else has just asked, with no known answers that we lack, need not be asked
 * again (RFC 6762 7.3), and what stays unanswered is perhaps no longer there (10.5).
 */
import { type RecordCache, setKey } from './cache.ts';
import { dataKey, typeCode } from './dns-data.ts';
import { type DnsName, type DnsQuestion, type DnsRecord, type ReceivedMessage, recordTypes } from './dns-types.ts';

const mdnsPort = 5353;
/** 7.2: further packets of a list of known answers come within this time. */
const continuedMs = 500;
const mostMarks = 4_096;

interface Mark {
  readonly from: string;
  readonly at: number;
  /** When it was asked before that. */
  readonly before: number;
}

interface HeardDeps {
  readonly cache: RecordCache;
  /** Whether we might ask that too. */
  readonly isOurs: (question: DnsQuestion) => boolean;
  /** An instance of our own. Everybody's list has it, only ours has not. */
  readonly isOwn: (instance: DnsName) => boolean;
}

export class HeardQuestions {
  readonly #deps: HeardDeps;
  readonly #marks = new Map<string, Mark>();
  /** Browsed types: when another asked to be answered alone (QU). */
  readonly #alone = new Map<string, number>();

  constructor(deps: HeardDeps) {
    this.#deps = deps;
  }

  /** Whether another asked it for us since then. */
  since(key: string, time: number): boolean {
    return (this.#marks.get(key)?.at ?? -Infinity) >= time;
  }

  /** Whether another asked since then to be answered alone, which serves nobody else. */
  aloneSince(key: string, time: number): boolean {
    return (this.#alone.get(key) ?? -Infinity) >= time;
  }

  /** A query. Those from other ports are answered in private (6.7): they tell us nothing. */
  take({ message, from, port, now }: ReceivedMessage): void {
    if (port !== mdnsPort) return;
    const known = keysOf(message.answers);
    const lacking = this.#lacking(message.answers, now);
    for (const key of lacking) this.#unmark(key, from, now);
    // A probe (8.1) asks in order not to be answered.
    if (message.authorities.length > 0) return;
    const ours = message.questions.filter((question) => this.#deps.isOurs(question));
    for (const { name, type, unicast } of ours) {
      const key = setKey(name, type);
      if (unicast) this.#markAlone(key, type, now);
      else if (!lacking.has(key)) this.#mark(key, from, now);
      // Of a list that goes on we do not know what it leaves out.
      if (!unicast && !message.truncated) this.#questioned(key, known.get(key) ?? nothing, now);
    }
  }

  /** There is no end of names of other types. */
  #markAlone(key: string, type: number, now: number): void {
    if (type === recordTypes.PTR) this.#alone.set(key, now);
  }

  #questioned(key: string, known: ReadonlySet<string>, now: number): void {
    const set = this.#deps.cache.get(key);
    if (set !== undefined) this.#deps.cache.questioned(set, known, now);
  }

  #mark(key: string, from: string, now: number): void {
    const before = this.#marks.get(key)?.at ?? -Infinity;
    this.#marks.delete(key);
    this.#marks.set(key, { from, at: now, before });
    const [oldest] = this.#marks.keys();
    if (this.#marks.size > mostMarks && oldest !== undefined) this.#marks.delete(oldest);
  }

  /** The rest of its list has answers that we would have wanted to hear. */
  #unmark(key: string, from: string, now: number): void {
    const mark = this.#marks.get(key);
    if (mark?.from === from && now - mark.at < continuedMs)
      this.#marks.set(key, { from, at: mark.before, before: -Infinity });
  }

  /** The sets of which it knows more than we do. */
  #lacking(answers: readonly DnsRecord[], now: number): Set<string> {
    const { cache, isOwn } = this.#deps;
    const lacking = new Set<string>();
    for (const { name, data } of answers) {
      if (isOwn(data.type === 'PTR' ? data.target : name)) continue;
      const key = setKey(name, typeCode(data));
      const entry = cache.get(key)?.entries.get(dataKey(data));
      if (entry === undefined || !cache.isKnownAnswer(entry, now)) lacking.add(key);
    }
    return lacking;
  }
}

const nothing: ReadonlySet<string> = new Set();

/** By list: in a process of many queriers all of them look through the same one. */
const keyLists = new WeakMap<readonly DnsRecord[], ReadonlyMap<string, ReadonlySet<string>>>();

function keysOf(answers: readonly DnsRecord[]): ReadonlyMap<string, ReadonlySet<string>> {
  const known = keyLists.get(answers);
  if (known !== undefined) return known;
  const keys = collectKeys(answers);
  keyLists.set(answers, keys);
  return keys;
}

function collectKeys(answers: readonly DnsRecord[]): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>();
  for (const { name, data } of answers) {
    const key = setKey(name, typeCode(data));
    const set = keys.get(key);
    if (set === undefined) keys.set(key, new Set([dataKey(data)]));
    else set.add(dataKey(data));
  }
  return keys;
}

/** Which of our sets answer a question, and the messages that carry them. Pure. */
import { nameKey } from './dns-name.ts';
import { type DnsMessage, type DnsQuestion, type DnsRecord, recordTypes } from './dns-types.ts';
import { recordKey } from './responder-compare.ts';
import type { RecordSet, Zone } from './responder-zone.ts';

/** RFC 6762 6.7: who does not speak multicast DNS cannot know when the record changes. */
const legacyTtl = 10;

/** Where a unique name of ours has nothing of that type, the set that says so (RFC 6762 6.1). */
export function setsFor({ name, type }: DnsQuestion, zone: Zone): readonly RecordSet[] {
  const sets = zone.byName.get(nameKey(name)) ?? [];
  if (type === recordTypes.ANY) return sets.filter(({ kind }) => kind !== 'negative');
  const fitting = sets.filter((set) => set.type === type);
  return fitting.length > 0 ? fitting : sets.filter(({ kind }) => kind === 'negative');
}

/** Each question once: a packet full of the same one costs no more than one. */
export function distinct(questions: readonly DnsQuestion[]): DnsQuestion[] {
  const seen = new Map<string, DnsQuestion>();
  for (const question of questions) {
    const key = `${question.type} ${nameKey(question.name)}`;
    const other = seen.get(key);
    // Whoever wants it by multicast gets it so.
    if (other === undefined || other.unicast) seen.set(key, question);
  }
  return Array.from(seen.values());
}

/** The records of ours that the asker has, with at least half of their life left (RFC 6762 7.1). */
export function knownKeys(answers: readonly DnsRecord[], zone: Zone): Set<string> {
  const known = new Set<string>();
  if (answers.length === 0) return known;
  const told = livesOf(answers);
  for (const { records } of zone.sets.values())
    for (const { key, record } of records) if ((told.get(key) ?? -Infinity) * 2 >= record.ttl) known.add(key);
  return known;
}

/** By list: in a process of many responders all of them look through the same one. */
const lives = new WeakMap<readonly DnsRecord[], Map<string, number>>();

/** The longest TTL of each record, by its key. */
function livesOf(answers: readonly DnsRecord[]): ReadonlyMap<string, number> {
  const known = lives.get(answers);
  if (known !== undefined) return known;
  const all = new Map<string, number>();
  for (const record of answers) {
    const key = recordKey(record);
    all.set(key, Math.max(record.ttl, all.get(key) ?? 0));
  }
  lives.set(answers, all);
  return all;
}

/** Those of the records that are in the zone, whoever sent them. */
export function ownAmong(
  records: readonly DnsRecord[],
  zone: Zone,
): { readonly key: string; readonly ttl: number; readonly set: RecordSet; readonly ours: DnsRecord }[] {
  return records.flatMap((record) => {
    const sets = zone.byName.get(nameKey(record.name));
    if (sets === undefined) return [];
    const key = recordKey(record);
    for (const set of sets) {
      const own = set.records.find((each) => each.key === key);
      if (own !== undefined) return [{ key, ttl: record.ttl, set, ours: own.record }];
    }
    return [];
  });
}

/** A set is known when all of it is: a part of it with the cache-flush bit would erase the rest elsewhere. */
export function isKnown({ records }: RecordSet, known: ReadonlySet<string>): boolean {
  return records.every(({ key }) => known.has(key));
}

/** What goes beside the answers: the sets they name that are not among them. They depend on no other names than these. */
export function moreOf(answers: readonly RecordSet[], zone: Zone): RecordSet[] {
  const among = new Set(answers.map(({ key }) => key));
  const keys = new Set(answers.flatMap(({ more }) => more));
  return Array.from(keys, (key) => zone.sets.get(key))
    .filter((set) => set !== undefined)
    .filter(({ key }) => !among.has(key));
}

export function recordsOf(sets: readonly RecordSet[]): DnsRecord[] {
  return sets.flatMap(({ records }) => records.map(({ record }) => record));
}

export function response(answers: readonly DnsRecord[], additionals: readonly DnsRecord[]): DnsMessage {
  return { ...empty, response: true, answers, additionals };
}

/** RFC 6762 6.7: like an answer of unicast DNS, for a resolver that knows nothing else. */
export function legacyResponse(
  query: DnsMessage,
  answers: readonly DnsRecord[],
  more: readonly DnsRecord[],
): DnsMessage {
  const questions = query.questions.map((question) => ({ ...question, unicast: false }));
  return { ...response(answers.map(plain), more.map(plain)), id: query.id, questions };
}

function plain(record: DnsRecord): DnsRecord {
  return { ...record, flush: false, ttl: Math.min(record.ttl, legacyTtl) };
}

/** RFC 6762 8.1, 8.2: is somebody here by these names, which I want for these records? */
export function probeMessage(questions: readonly DnsQuestion[], authorities: readonly DnsRecord[]): DnsMessage {
  return { ...empty, questions, authorities };
}

const empty: DnsMessage = {
  id: 0,
  response: false,
  truncated: false,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
};

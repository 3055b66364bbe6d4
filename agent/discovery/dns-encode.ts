/** A DnsMessage to bytes, and one that is too long to several. */
import { nameKey } from './dns-name.ts';
import type { DnsMessage, DnsQuestion, DnsRecord } from './dns-types.ts';
import { writeQuestion, writeRecord } from './dns-write-record.ts';
import { DnsWriter } from './dns-writer.ts';

const responseFlags = 0x8400;
const truncatedFlag = 0x0200;

/** @throws NethoodError `internal` for a name or address that does not fit the format */
export function encodeMessage(message: DnsMessage): Uint8Array {
  const { questions, answers, authorities, additionals } = message;
  const writer = new DnsWriter();
  writer.uint16(message.id);
  // RFC 6762 18.4: a response is authoritative.
  writer.uint16((message.response ? responseFlags : 0) | (message.truncated ? truncatedFlag : 0));
  for (const section of [questions, answers, authorities, additionals]) writer.uint16(section.length);
  for (const question of questions) writeQuestion(writer, question);
  for (const record of [...answers, ...authorities, ...additionals]) writeRecord(writer, record);
  return writer.result();
}

const headerBytes = 12;

interface Part {
  readonly questions?: readonly DnsQuestion[];
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/**
 * As messages that fit a frame. A query's known answers follow in packets without questions, and all but the last say
 * that more is to come (RFC 6762 7.2). A response becomes several whole responses (never truncated: 18.5); additional
 * records that do not fit become answers of a further one. A probe keeps what it proposes beside its question (8.2).
 * What is too long by itself gets a packet of its own (17).
 */
export function splitMessage(message: DnsMessage, maxBytes: number): DnsMessage[] {
  const packer = new Packer(maxBytes);
  for (const part of probeParts(message)) packer.add(part, part);
  for (const answer of message.answers) packer.add({ answers: [answer] }, { answers: [answer] });
  for (const additional of message.additionals) {
    const asAnswer = message.response ? { answers: [additional] } : { additionals: [additional] };
    packer.add({ additionals: [additional] }, asAnswer);
  }
  const packets = packer.finish();
  const isList = !message.response && message.answers.length > 0;
  const { id, response } = message;
  return packets.map(({ questions, answers, authorities, additionals }, at) => {
    const truncated = message.truncated || (isList && at < packets.length - 1);
    return { id, response, truncated, questions, answers, authorities, additionals };
  });
}

type Sections = Pick<DnsMessage, 'questions' | 'answers' | 'authorities' | 'additionals'>;

class Packer {
  readonly #maxBytes: number;
  readonly #done: Sections[] = [];
  #writer = new DnsWriter();
  #open = emptySections();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes - headerBytes;
  }

  /** `inNext` is what it becomes in a packet of its own. */
  add(part: Part, inNext: Part): void {
    write(this.#writer, part);
    if (this.#writer.length <= this.#maxBytes || isEmpty(this.#open)) {
      append(this.#open, part);
      return;
    }
    this.#done.push(this.#open);
    this.#writer = new DnsWriter();
    this.#open = emptySections();
    write(this.#writer, inNext);
    append(this.#open, inNext);
  }

  finish(): Sections[] {
    return [...this.#done, this.#open];
  }
}

/** Each question with what is proposed for its name; the rest of the authority section by itself. */
function probeParts({ questions, authorities }: DnsMessage): Part[] {
  const proposed = new Map<string, DnsRecord[]>();
  for (const record of authorities) {
    const key = nameKey(record.name);
    const sameName = proposed.get(key);
    if (sameName === undefined) proposed.set(key, [record]);
    else sameName.push(record);
  }
  const parts: Part[] = [];
  for (const question of questions) {
    const key = nameKey(question.name);
    parts.push({ questions: [question], authorities: proposed.get(key) ?? [] });
    proposed.delete(key);
  }
  return [...parts, ...Array.from(proposed.values(), (rest) => ({ authorities: rest }))];
}

interface OpenSections {
  readonly questions: DnsQuestion[];
  readonly answers: DnsRecord[];
  readonly authorities: DnsRecord[];
  readonly additionals: DnsRecord[];
}

function emptySections(): OpenSections {
  return { questions: [], answers: [], authorities: [], additionals: [] };
}

function isEmpty(sections: OpenSections): boolean {
  return Object.values(sections).every((section: readonly unknown[]) => section.length === 0);
}

function append(sections: OpenSections, part: Part): void {
  sections.questions.push(...(part.questions ?? []));
  sections.answers.push(...(part.answers ?? []));
  sections.authorities.push(...(part.authorities ?? []));
  sections.additionals.push(...(part.additionals ?? []));
}

/** Not in the order of the sections, which is no matter: names come to the same length, whichever is first. */
function write(writer: DnsWriter, { questions = [], answers = [], authorities = [], additionals = [] }: Part): void {
  for (const question of questions) writeQuestion(writer, question);
  for (const record of [...answers, ...authorities, ...additionals]) writeRecord(writer, record);
}

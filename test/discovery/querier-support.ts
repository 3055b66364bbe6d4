/** A querier with its time turned by hand, and the packets that others send. */
import { encodeMessage, splitMessage } from '../../agent/discovery/dns-encode.ts';
import { decodeMessage } from '../../agent/discovery/dns-decode.ts';
import { nameText } from '../../agent/discovery/dns-name.ts';
import {
  type DnsMessage,
  type DnsName,
  type DnsQuestion,
  type DnsRecord,
  recordTypes,
} from '../../agent/discovery/dns-types.ts';
import { Querier } from '../../agent/discovery/querier.ts';
import type { FoundService, QuerierDeps, QuerierEffect } from '../../agent/discovery/querier-types.ts';

export const agents: DnsName = ['_nethood', '_tcp', 'local'];

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const typeNames = new Map<number, string>(Object.entries(recordTypes).map(([name, code]) => [code, name]));

export interface Asked {
  readonly at: number;
  readonly message: DnsMessage;
  /** `PTR _nethood._tcp.local` */
  readonly questions: readonly string[];
}

export class Bench {
  now = 0;
  readonly querier: Querier;
  readonly sent: Asked[] = [];
  /** `+ann` found or changed, `-ann` gone, with the time. */
  readonly told: { readonly at: number; readonly what: string }[] = [];
  readonly services = new Map<string, FoundService>();

  constructor(deps: Partial<QuerierDeps> = {}) {
    this.querier = new Querier({ random: seeded(1), ...deps });
  }

  browse(mayUnicast = false): this {
    this.apply(this.querier.browse(agents, this.now, { mayUnicast }));
    return this;
  }

  /** Ends at `until`, having done all that is due by then. */
  run(until: number): void {
    for (let at = this.querier.nextAt(); at <= until; at = this.querier.nextAt()) {
      this.now = Math.max(this.now, at);
      this.apply(this.querier.tick(this.now));
    }
    this.now = until;
  }

  /** Forward by so many milliseconds. */
  wait(ms: number): void {
    this.run(this.now + ms);
  }

  hear(message: DnsMessage, from = '10.0.0.1', port = 5353): void {
    this.apply(this.querier.receive({ message, from, port, now: this.now }));
  }

  apply(effects: readonly QuerierEffect[]): void {
    for (const effect of effects) {
      const at = this.now;
      switch (effect.type) {
        case 'send': {
          const { message } = effect;
          for (const part of splitMessage(message, 1_440)) decodeMessage(encodeMessage(part));
          this.sent.push({ at, message, questions: message.questions.map(questionText) });
          break;
        }
        case 'service':
          this.services.set(effect.service.instance[0] ?? '', effect.service);
          this.told.push({ at, what: `+${effect.service.instance[0] ?? ''}` });
          break;
        case 'gone':
          this.services.delete(effect.instance[0] ?? '');
          this.told.push({ at, what: `-${effect.instance[0] ?? ''}` });
          break;
      }
    }
  }

  /** Questions asked since the last call. */
  takeSent(): Asked[] {
    return this.sent.splice(0);
  }

  /** Those packets of them that ask for more than the browsed type. */
  takeAsked(): Asked[] {
    const browse = questionText(question(agents, recordTypes.PTR));
    return this.takeSent().filter(({ questions }) => questions.some((text) => text !== browse));
  }

  get news(): string[] {
    return this.told.splice(0).map(({ what }) => what);
  }
}

function questionText({ name, type, unicast }: DnsQuestion): string {
  return `${typeNames.get(type) ?? type} ${nameText(name)}${unicast ? ' QU' : ''}`;
}

interface Over {
  readonly ttl?: number;
  readonly flush?: boolean;
}

export function ptr(label: string, { ttl = 4_500 }: Over = {}): DnsRecord {
  return { name: agents, ttl, flush: false, data: { type: 'PTR', target: [label, ...agents] } };
}

export function srv(label: string, over: Over & { port?: number; host?: string } = {}): DnsRecord {
  const { ttl = 120, flush = true, port = 6631, host = `nh-${label}` } = over;
  const data = { type: 'SRV', priority: 0, weight: 0, port, target: [host, 'local'] } as const;
  return { name: [label, ...agents], ttl, flush, data };
}

export function txt(
  label: string,
  { ttl = 4_500, flush = true, text = `id=${label}` }: Over & { text?: string } = {},
): DnsRecord {
  return { name: [label, ...agents], ttl, flush, data: { type: 'TXT', strings: [Buffer.from(text)] } };
}

export function address(host: string, text: string, { ttl = 120, flush = true }: Over = {}): DnsRecord {
  const type = text.includes(':') ? 'AAAA' : 'A';
  return { name: [host, 'local'], ttl, flush, data: { type, address: text } };
}

/** All of one agent: PTR, SRV, TXT, A. */
export function whole(label: string, from = '10.0.0.1', over: Over = {}): DnsRecord[] {
  return [ptr(label, over), srv(label, over), txt(label, over), address(`nh-${label}`, from, over)];
}

export function response(answers: readonly DnsRecord[], additionals: readonly DnsRecord[] = []): DnsMessage {
  return { id: 0, response: true, truncated: false, questions: [], answers, authorities: [], additionals };
}

export function question(name: DnsName, type: number, unicast = false): DnsQuestion {
  return { name, type, unicast };
}

export function query(
  questions: readonly DnsQuestion[],
  over: Partial<Pick<DnsMessage, 'answers' | 'authorities' | 'truncated'>> = {},
): DnsMessage {
  return {
    id: 0,
    response: false,
    truncated: false,
    questions,
    answers: [],
    authorities: [],
    additionals: [],
    ...over,
  };
}

/**
 * Messages of (multicast) DNS as values: RFC 1035 section 4 with the two bits that RFC 6762 adds (unicast-response in
 * a question's class, cache-flush in a record's). Names are lists of labels, so that a dot inside of an instance name
 * (RFC 6763 4.3) is no border.
 */

/** Outermost label last: `['Dr. Muster', '_ipp', '_tcp', 'local']`. UTF-8 as it came; compared by `sameName` (ASCII case folded, RFC 6762 16). */
export type DnsName = readonly string[];

export const recordTypes = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, NSEC: 47, ANY: 255 } as const;

export interface DnsQuestion {
  readonly name: DnsName;
  /** As on the wire; see `recordTypes`. */
  readonly type: number;
  /** QU: a unicast answer will do (RFC 6762 5.4). */
  readonly unicast: boolean;
}

export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'PTR'; readonly target: DnsName }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: DnsName;
    }
  | { readonly type: 'TXT'; readonly strings: readonly Uint8Array[] }
  | { readonly type: 'NSEC'; readonly next: DnsName; readonly types: readonly number[] }
  | { readonly type: 'other'; readonly code: number; readonly bytes: Uint8Array };

export interface DnsRecord {
  readonly name: DnsName;
  /** Seconds; 0 is a goodbye (RFC 6762 10.1). */
  readonly ttl: number;
  /** Cache-flush (RFC 6762 10.2): the only ones of this name and type. */
  readonly flush: boolean;
  readonly data: RecordData;
}

export interface DnsMessage {
  /** 0 in multicast; that of the question in a legacy answer (RFC 6762 6.7). */
  readonly id: number;
  readonly response: boolean;
  /** More known answers follow (RFC 6762 7.2). */
  readonly truncated: boolean;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  /** Of a probe: what it wants to own (RFC 6762 8.2). */
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** A packet as it came to one link. */
export interface ReceivedMessage {
  readonly message: DnsMessage;
  /** Address of the sender, without zone. */
  readonly from: string;
  readonly port: number;
  /** Clock milliseconds. */
  readonly now: number;
}

/** What a querier or responder wants sent on its link; to the group, or to one address. */
export interface SendEffect {
  readonly type: 'send';
  readonly message: DnsMessage;
  readonly to?: { readonly address: string; readonly port: number } | undefined;
}

/** What the querier needs, does and finds. */
import type { DnsName, SendEffect } from './dns-types.ts';

/** One instance of a browsed type, joined from its PTR, SRV, TXT and address records. */
export interface FoundService {
  readonly instance: DnsName;
  /** Target of its SRV record. */
  readonly host: DnsName;
  readonly port: number;
  /** Keys in lower case, in their order; see `parseTxt`. */
  readonly txt: ReadonlyMap<string, Uint8Array | true>;
  /** At least one, IPv4 or IPv6 as text without zone; those about to be replaced come last. */
  readonly addresses: readonly string[];
  /** Of these, the ones replaced or taken back less than a second ago (10.1, 10.2), where others stay. */
  readonly leaving: readonly string[];
}

/** `service`: found, and again whenever anything of it changed. `gone`: of one that was told. */
export type QuerierEffect =
  | SendEffect
  | { readonly type: 'service'; readonly service: FoundService }
  | { readonly type: 'gone'; readonly instance: DnsName };

export interface QuerierCaps {
  /** Instances on the link. */
  readonly instances: number;
  /** Instances first heard from one address. */
  readonly perSource: number;
  /** Memory of all records, about. */
  readonly bytes: number;
}

export const defaultQuerierCaps: QuerierCaps = { instances: 1_000, perSource: 64, bytes: 16 * 1024 * 1024 };

export interface QuerierDeps {
  /** 0 <= random() < 1 */
  readonly random: () => number;
  readonly caps?: QuerierCaps | undefined;
  /** A neighbour in session: never evicted, nor dropped while records run out; it needs no refreshing. */
  readonly isProtected?: ((instance: DnsName) => boolean) | undefined;
  /** An instance of our own: not heard here, and yet nothing that we lack when others name it. */
  readonly isOwn?: ((instance: DnsName) => boolean) | undefined;
}

export interface BrowseOptions {
  /** We are alone on port 5353: the first question may be answered by unicast (RFC 6762 5.4, 15.1). */
  readonly mayUnicast: boolean;
  /** When that happened for which we ask, perhaps together with others (5.2); default: now. */
  readonly began?: number | undefined;
}

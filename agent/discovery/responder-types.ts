/**
 * What a responder is given and what it wants done. `new Responder(deps)` serves one link (card and family):
 * `set(want, now)`, `receive(packet)`, `tick(now)`, `wake(now)`, `stop(now)` each give effects; `nextAt()` says when
 * `tick` is due (Infinity: never).
 */
import type { DnsName, SendEffect } from './dns-types.ts';

/** What this device says about itself on one link. */
export interface OwnRecords {
  /** `['nh-k3q7x2mf', 'local']`: ours alone, on all links. */
  readonly host: DnsName;
  /** Of this card only, both families, without zone. With none, nothing is said. */
  readonly addresses: readonly string[];
  readonly services: readonly OwnService[];
}

export interface OwnService {
  /** `['Dr. Muster', '_ipp', '_tcp', 'local']` */
  readonly instance: DnsName;
  /** `print`, without underscore. */
  readonly subtypes: readonly string[];
  readonly port: number;
  /** The strings of the TXT record (RFC 6763 6); none is written as one empty string. */
  readonly txt: readonly Uint8Array[];
}

export interface ResponderDeps {
  /** 0 <= n < 1 */
  readonly random: () => number;
  /** Whether it is an address of this PC, on whichever card: what we say on one card must be no conflict on another. */
  readonly isOwn: (address: string) => boolean;
  /** Whether the address belongs to a subnet of this card; nobody else is answered, or believed (RFC 6762 11). */
  readonly onLink: (address: string) => boolean;
  /**
   * Whether unicast packets to port 5353 reach us: with others on this port they go to whoever bound last (RFC 6762
   * 15.1), and probes ask for multicast answers. Without it: they do.
   */
  readonly mayUnicast?: () => boolean;
  /**
   * How many others are known to have shared records of this name (a `nameKey`): where they are many, answers take
   * longer, so that they fit on the link. Without it: none.
   */
  readonly othersWith?: (name: string) => number;
}

export type ResponderEffect =
  | SendEffect
  /** Probed without a conflict: the name is ours on this link. Again after every probing. */
  | { readonly type: 'established'; readonly name: DnsName }
  /**
   * The name is another's. Nothing is said about it until `set` comes with another one for it (or, where the shell
   * renames no more, until a probing a minute later succeeds). On all links the same name must be chosen.
   */
  | { readonly type: 'conflict'; readonly name: DnsName };

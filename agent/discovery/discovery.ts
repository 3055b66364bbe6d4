/** What the rest of the agent knows of discovery: who was seen where. How they were seen is each source's own affair. */
import type { DeviceId } from '../../protocol/ids.ts';
import type { Emitter } from '../base/emitter.ts';

export interface Address {
  /** IPv4 or IPv6 as text, without zone. */
  readonly address: string;
  /** The card of a link-local IPv6 address. */
  readonly zone?: string | undefined;
}

/** A rumour: somebody at these addresses says it is this device. Only the key on the socket proves it. */
export interface Sighting {
  readonly id: DeviceId;
  readonly name: string;
  readonly port: number;
  readonly addresses: readonly Address[];
}

/** One DNS-SD service of ours (RFC 6763). `name` is the instance label, `txt` its pairs in order. */
export interface Announcement {
  readonly name: string;
  /** `nethood`, `ipp`, `ipps` … without underscore; all are TCP. */
  readonly type: string;
  readonly subtypes: readonly string[];
  readonly port: number;
  readonly txt: Readonly<Record<string, string>>;
}

export interface DiscoveryEvents {
  /** Again whenever anything of it changed. */
  readonly seen: [Sighting];
  /** It said goodbye, or all its records ran out. A rumour too: a live session outranks it. */
  readonly lost: [DeviceId];
}

/** Under which names we are in fact announced: one that another has is exchanged (RFC 6762 section 9). */
interface AnnouncedNames {
  /** `nh-k3q7x2mf.local` */
  readonly hostName: string;
  /** The label of the instance that was wanted as `name`. */
  announcedName(name: string): string;
  /** After a conflict: whatever carries a name of ours must be told anew. */
  readonly renames: Emitter<{ renamed: [] }>;
}

/** A source of sightings that can also make us seen. */
export interface Discovery extends AnnouncedNames, AsyncDisposable {
  readonly events: Emitter<DiscoveryEvents>;
  /** Replaces all that is announced; what is gone from the list says goodbye. */
  announce(services: readonly Announcement[]): Promise<void>;
  /** A session to it failed: its records are asked for again (RFC 6762 10.4). */
  reconfirm(id: DeviceId): void;
}

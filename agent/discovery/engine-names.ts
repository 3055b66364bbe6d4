/**
 * Under which names we are announced: the wanted ones, or, where another has one, the next (RFC 6762 section 9), the same
 * on all links. What was found out is remembered, so that a PC comes back under the name that others know. Pure.
 */
import { type DeviceId, mostHostNames, nthHostName } from '../../protocol/ids.ts';
import type { Announcement } from './discovery.ts';
import { nameKey } from './dns-name.ts';
import type { DnsName } from './dns-types.ts';
import { instanceLabel, lastAttempt } from './instance-names.ts';
import { RenameLimit } from './responder-renames.ts';

/** The nth attempt of each name that is not the first. */
export interface NameMemory {
  readonly host: number;
  /** By wanted name. */
  readonly instances: Readonly<Record<string, number>>;
}

interface OwnNamesDeps {
  readonly self: DeviceId;
  /** `nh-k3q7x2mf.local` */
  readonly hostName: string;
  readonly memory: NameMemory;
}

export interface NamedService {
  readonly wanted: Announcement;
  readonly instance: DnsName;
}

const mostRemembered = 100;

export class OwnNames {
  readonly #deps: OwnNamesDeps;
  readonly #attempts: Map<string, number>;
  readonly #limit = new RenameLimit();
  #host: number;
  #services: readonly NamedService[] = [];
  #keys: ReadonlySet<string> = new Set();

  constructor(deps: OwnNamesDeps) {
    this.#deps = deps;
    this.#host = deps.memory.host;
    this.#attempts = new Map(Object.entries(deps.memory.instances));
  }

  get host(): DnsName {
    return nthHostName(this.#deps.hostName, this.#host).split('.');
  }

  get services(): readonly NamedService[] {
    return this.#services;
  }

  get memory(): NameMemory {
    // The last resort is not worth remembering: it is what remains while somebody claims every name.
    const kept = Array.from(this.#attempts).filter(([, attempt]) => attempt > 1 && attempt < lastAttempt);
    return { host: this.#host, instances: Object.fromEntries(kept.slice(-mostRemembered)) };
  }

  announce(wanted: readonly Announcement[]): void {
    const used = new Set<string>();
    this.#services = wanted.map((service) => {
      const instance = this.#freeName(service, used);
      used.add(nameKey(instance));
      return { wanted: service, instance };
    });
    this.#keys = used;
  }

  announcedName(name: string): string {
    const service = this.#services.find(({ wanted }) => wanted.name === name);
    return service?.instance[0] ?? name;
  }

  /** Whether it is an instance of ours. */
  has(instance: DnsName): boolean {
    return this.#keys.has(nameKey(instance));
  }

  /** Another has it. Answers whether our names have changed; not so when they changed too often of late. */
  conflict(name: DnsName, now: number): boolean {
    const key = nameKey(name);
    if (key === nameKey(this.host)) return this.#conflictOfHost(now);
    const service = this.#services.find(({ instance }) => nameKey(instance) === key);
    if (service === undefined) return false;
    const attempt = this.#attemptOf(service.wanted.name);
    if (attempt >= lastAttempt || !this.#limit.take(now)) return false;
    this.#attempts.set(service.wanted.name, attempt + 1);
    this.announce(this.#services.map(({ wanted }) => wanted));
    return true;
  }

  #conflictOfHost(now: number): boolean {
    if (this.#host >= mostHostNames || !this.#limit.take(now)) return false;
    this.#host++;
    return true;
  }

  /** Two of ours may want one name too: two printers of the same model. */
  #freeName(service: Announcement, used: ReadonlySet<string>): DnsName {
    for (let attempt = this.#attemptOf(service.name); ; attempt++) {
      const label =
        attempt <= lastAttempt
          ? instanceLabel(service.name, attempt, this.#deps.self)
          : instanceLabel(`${attempt} ${service.name}`, lastAttempt, this.#deps.self);
      const name = [label, `_${service.type}`, '_tcp', 'local'];
      if (!used.has(nameKey(name))) return name;
    }
  }

  #attemptOf(name: string): number {
    return this.#attempts.get(name) ?? 1;
  }
}

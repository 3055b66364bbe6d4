/** The names that we want for ourselves, and how far each is (RFC 6762 8.1, 8.2, 9). Pure. */
import { nameKey } from './dns-name.ts';
import type { DnsName } from './dns-types.ts';

/** RFC 6762 8.1 */
const probes = 3;
const probeEveryMs = 250;
const conflictsBeforeSlow = 15;
const conflictsWithinMs = 10_000;
const slowMs = 5_000;
/** RFC 6762 8.2 */
const tieWaitMs = 1_000;
/** A tie decides between two who start at once. Who keeps probing for a name and never takes it must not keep us waiting. */
const mostTies = 5;
/** A lost name that nobody exchanged for another is tried again so much later. */
const retryMs = 60_000;

export interface Claim {
  readonly name: DnsName;
  readonly key: string;
  state: 'probing' | 'established' | 'lost';
  /** Probes sent in this round. */
  sent: number;
  /** When the next step is due. */
  at: number;
  /** Lost since the last round that began for another reason. */
  ties: number;
  /** Established, and since then nobody else was heard under it: what was said under it may be taken back. */
  ours: boolean;
}

export class Claims {
  readonly #random: () => number;
  #claims = new Map<string, Claim>();
  /** Times of the last conflicts, oldest first. */
  #conflicts: number[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  get(key: string): Claim | undefined {
    return this.#claims.get(key);
  }

  isEstablished(key: string): boolean {
    return this.#claims.get(key)?.state === 'established';
  }

  /** Drops the claims that are not in the list and begins those that are new. */
  want(names: readonly DnsName[], now: number): void {
    const old = this.#claims;
    const at = this.#start(now);
    this.#claims = new Map(
      names.map((name) => {
        const key = nameKey(name);
        return [key, old.get(key) ?? { name, key, state: 'probing', sent: 0, at, ties: 0, ours: false }];
      }),
    );
  }

  /** Takes each name whose time has come one step further. */
  advance(now: number): { readonly probe: readonly Claim[]; readonly established: readonly Claim[] } {
    const probe: Claim[] = [];
    const established: Claim[] = [];
    for (const claim of this.#claims.values()) {
      if (claim.at > now) continue;
      if (claim.state === 'lost') this.#probeAgain(claim, this.#start(now));
      else if (claim.state === 'probing' && claim.sent < probes) {
        claim.sent++;
        claim.at = now + probeEveryMs;
        probe.push(claim);
      } else if (claim.state === 'probing') {
        Object.assign(claim, { state: 'established', at: Infinity, ties: 0, ours: true });
        established.push(claim);
      }
    }
    return { probe, established };
  }

  nextAt(): number {
    let next = Infinity;
    for (const { at } of this.#claims.values()) next = Math.min(next, at);
    return next;
  }

  /** Another has records of this name. True: it is lost; otherwise it must be probed for again (RFC 6762 9). */
  conflict(claim: Claim, now: number): boolean {
    this.#count(now);
    claim.ours = false;
    if (claim.state === 'established') this.#probeAgain(claim, this.#start(now));
    else Object.assign(claim, { state: 'lost', at: now + retryMs });
    return claim.state === 'lost';
  }

  /** Another probes for it at the same time, with the better records. True: it is lost for good. */
  loseTie(claim: Claim, now: number): boolean {
    // Its second and third probe, while we already wait.
    if (claim.ties > 0 && claim.sent === 0) return false;
    claim.ties++;
    if (claim.ties > mostTies) return this.conflict(claim, now);
    this.#count(now);
    claim.sent = 0;
    claim.at = Math.max(now + tieWaitMs, this.#isSlow(now) ? now + slowMs : 0);
    return false;
  }

  /** Another link, perhaps, with other hosts: every name must prove itself again. */
  restart(now: number): void {
    const at = this.#start(now);
    for (const claim of this.#claims.values()) this.#probeAgain(claim, at);
  }

  #probeAgain(claim: Claim, at: number): void {
    Object.assign(claim, { state: 'probing', sent: 0, at, ties: 0 });
  }

  #start(now: number): number {
    return now + (this.#isSlow(now) ? slowMs : probeEveryMs * this.#random());
  }

  #isSlow(now: number): boolean {
    const [oldest = -Infinity] = this.#conflicts;
    return this.#conflicts.length >= conflictsBeforeSlow && oldest > now - conflictsWithinMs;
  }

  #count(now: number): void {
    this.#conflicts.push(now);
    if (this.#conflicts.length > conflictsBeforeSlow) this.#conflicts.shift();
  }
}

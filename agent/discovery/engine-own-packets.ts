/**
 * Tells our own packets, which the group brings back to us, from those of other agents on this PC, which come from the
 * same addresses. A packet that we sent comes back once on each link that hears the card it went out on.
 */

const keptMs = 2_000;
const most = 2_000;

interface Sent {
  readonly key: string;
  readonly from: ReadonlySet<string>;
  readonly at: number;
  /** The links on which it has come back. */
  readonly back: Set<string>;
}

export class OwnPackets {
  /** In the order of time; a Set, because its first is the oldest and is cheap to drop. */
  readonly #sent = new Set<Sent>();
  readonly #byKey = new Map<string, Set<Sent>>();

  get size(): number {
    return this.#sent.size;
  }

  /** It leaves with one of these addresses. */
  sent(bytes: Uint8Array, from: ReadonlySet<string>, now: number): void {
    for (const oldest of this.#sent) {
      if (this.#sent.size < most && oldest.at + keptMs >= now) break;
      this.#drop(oldest);
    }
    const sent: Sent = { key: keyOf(bytes), from, at: now, back: new Set() };
    const same = this.#byKey.get(sent.key) ?? new Set();
    this.#byKey.set(sent.key, same.add(sent));
    this.#sent.add(sent);
  }

  /** Whether it is one of ours; asked once for each packet that comes in on a link. */
  isEcho(bytes: Uint8Array, from: string, link: string, now: number): boolean {
    for (const sent of this.#byKey.get(keyOf(bytes)) ?? []) {
      if (sent.at + keptMs < now || !sent.from.has(from) || sent.back.has(link)) continue;
      sent.back.add(link);
      return true;
    }
    return false;
  }

  #drop(sent: Sent): void {
    this.#sent.delete(sent);
    const same = this.#byKey.get(sent.key);
    same?.delete(sent);
    if (same?.size === 0) this.#byKey.delete(sent.key);
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

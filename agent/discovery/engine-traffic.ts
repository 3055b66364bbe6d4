/** Counts the packets of one link, for `nethood doctor`. */
import type { Traffic } from './discovery-report.ts';

export class LinkTraffic {
  #sent: Traffic = { packets: 0, bytes: 0 };
  #received: Traffic = { packets: 0, bytes: 0 };
  #own: Traffic = { packets: 0, bytes: 0 };
  #lastReceivedAt: number | undefined;

  get counts(): { sent: Traffic; received: Traffic; own: Traffic; lastReceivedAt: number | undefined } {
    return { sent: this.#sent, received: this.#received, own: this.#own, lastReceivedAt: this.#lastReceivedAt };
  }

  sent(bytes: number): void {
    this.#sent = plus(this.#sent, bytes);
  }

  /** From an address of this PC. */
  own(bytes: number): void {
    this.#own = plus(this.#own, bytes);
  }

  received(bytes: number, wall: number): void {
    this.#received = plus(this.#received, bytes);
    this.#lastReceivedAt = wall;
  }
}

function plus({ packets, bytes }: Traffic, more: number): Traffic {
  return { packets: packets + 1, bytes: bytes + more };
}

/** What a source of discovery tells about itself, for `nethood doctor`. */

/**
 * One link: a card and an address family. The counters begin with the link and survive new sockets on it.
 *
 * Our packets come back to us (IP_MULTICAST_LOOP), and pass the filter for what comes in on their way: `own` without
 * `received` means that nobody else is heard, neither of them that not even this PC lets multicast in.
 */
export interface LinkReport {
  readonly card: string;
  readonly family: 4 | 6;
  /** The group is joined, packets go both ways. */
  readonly works: boolean;
  /** To the group and to single hosts. */
  readonly sent: Traffic;
  /** From other hosts on this link. */
  readonly received: Traffic;
  /** From an address of this PC: our own that came back, and those of other programs here. */
  readonly own: Traffic;
  /** Wall-clock milliseconds of the last packet from another host. */
  readonly lastReceivedAt: number | undefined;
  /** The system's code for why it does not work: `EADDRINUSE`, `ENODEV`. */
  readonly problem: string | undefined;
}

export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

/** One instance as it is announced. */
interface AnnouncedInstance {
  /** What was wanted. */
  readonly wanted: string;
  /** The instance label that it got; another one where that was taken. */
  readonly name: string;
  /** `nethood`, `ipp` … */
  readonly type: string;
  readonly port: number;
}

export interface DiscoveryReport {
  readonly links: readonly LinkReport[];
  /** `nh-k3q7x2mf.local` */
  readonly hostName: string;
  readonly announced: readonly AnnouncedInstance[];
}

/** A source that can be examined. */
export interface Reporting {
  report(): DiscoveryReport;
}

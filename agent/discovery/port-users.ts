/** Who else has UDP port 5353 on this PC. Linux lists its sockets; other systems tell nothing without more rights. */
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface PortUsers {
  /** Sockets of other programs; null where the system does not tell. */
  readonly others: number | null;
  readonly avahi: boolean;
}

const port = 5353;

/** Never fails: what cannot be read is not known. */
export async function lookAtMdnsPort(): Promise<PortUsers> {
  const [others, avahi] = await Promise.all([countOthers().catch(() => null), runsAvahi()]);
  return { others, avahi: avahi && others !== 0 };
}

async function countOthers(): Promise<number> {
  const tables = await Promise.all([
    readFile('/proc/net/udp', 'latin1'),
    // A system without IPv6.
    readFile('/proc/net/udp6', 'latin1').catch(() => ''),
  ]);
  const own = await ownSockets();
  return tables.flatMap(boundInodes).filter((inode) => !own.has(inode)).length;
}

async function ownSockets(): Promise<ReadonlySet<string>> {
  const files = await readdir('/proc/self/fd');
  // One may be closed between the list and the look.
  const targets = await Promise.all(files.map((file) => readlink(`/proc/self/fd/${file}`).catch(() => '')));
  return new Set(targets.map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? ''));
}

/** Of /proc/net/udp: `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …`, addresses and ports in hexadecimal. */
export function boundInodes(table: string): string[] {
  const hexPort = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, local = '', , , , , , , , inode]) => (local.endsWith(hexPort) && inode !== undefined ? [inode] : []));
}

async function runsAvahi(): Promise<boolean> {
  try {
    const pid = (await readFile('/run/avahi-daemon/pid', 'latin1')).trim();
    return (await readFile(`/proc/${pid}/comm`, 'latin1')).trim() === 'avahi-daemon';
  } catch {
    // No such file: not running, or not on this system.
    return false;
  }
}

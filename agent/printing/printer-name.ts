/** Names of printers for people, from whatever a print system calls its queues. */

/** What DNS-SD made of our names: where another has one, ours is changed (RFC 6762 section 9). */
export interface AnnouncedNames {
  /** `nh-k3q7x2mf.local` */
  host(): string;
  /** The instance that stands for one of this name. */
  instance(name: string): string;
}

interface NamedPrinter {
  readonly id: string;
  readonly queue: { readonly info: string };
}

/** Under which the printer is announced, or would be. */
export function announcedInstance(
  { id, queue }: NamedPrinter,
  { names, deviceName }: { readonly names: AnnouncedNames; readonly deviceName: () => string },
): string {
  return names.instance(printerInstanceName(printerDisplayName(queue.info, id), deviceName()));
}

/** `<info> (<device name>)` in at most 63 bytes (RFC 6763 section 4.1.1); the info is cut first. */
export function printerInstanceName(info: string, deviceName: string): string {
  const device = cutToBytes(visible(deviceName), 40);
  return `${cutToBytes(visible(info), 60 - Buffer.byteLength(device))} (${device})`;
}

/** A `DisplayName`: the queue's info, or its name where the info has nothing to show. */
export function printerDisplayName(info: string, queue: string): string {
  return cutToBytes(visible(info), 63) || cutToBytes(visible(queue), 63) || 'printer';
}

/** What others call a document, or themselves: one line of so many bytes; maybe nothing. */
export function plainLine(words: string, bytes: number): string {
  return cutToBytes(visible(words), bytes);
}

/** Without what moves a cursor, ends a line or turns text around. */
function visible(words: string): string {
  return words.replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu, ' ').trim();
}

/** The longest beginning of whole characters that fits. */
export function cutToBytes(words: string, bytes: number): string {
  let cut = '';
  let length = 0;
  for (const character of words) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    cut += character;
  }
  return cut.trimEnd();
}

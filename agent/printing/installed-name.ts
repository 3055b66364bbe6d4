/** What an installed printer is called in the print system of this PC: made of words of strangers, so of few characters only. */

const longest = 60;

/**
 * The name of the queue: letters, digits, `-` and `_`, so that every print system, PPD and command line takes it as it is.
 * @param taken names of queues there are; print systems take no notice of case
 */
export function installedQueueName(
  { printer, neighbour }: { readonly printer: string; readonly neighbour: string },
  taken: Iterable<string>,
): string {
  const used = new Set(Array.from(taken, (each) => each.toLowerCase()));
  const words = [plain(printer) || 'printer', plain(neighbour) || 'neighbour'].map((word) =>
    word.slice(0, longest / 2),
  );
  const name = words.join('_').replace(/^(?![A-Za-z])/, 'p');
  if (!used.has(name.toLowerCase())) return name;
  for (let n = 2; ; n++) if (!used.has(`${name}_${n}`.toLowerCase())) return `${name}_${n}`;
}

/** For people, in their print dialog: `Laser (Anna on pc1)`. */
export function installedQueueInfo({
  printer,
  neighbour,
}: {
  readonly printer: string;
  readonly neighbour: string;
}): string {
  return `${printer} (${neighbour})`;
}

/** `Büro: Laser 2` -> `Buro-Laser-2` */
function plain(words: string): string {
  return words
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

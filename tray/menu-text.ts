/** Text for menus. Names come from neighbours and file systems: they must neither turn the menu around nor flood it. */

/** Controls, lone surrogates, and what is not seen but changes what is: bidirectional marks and zero-width characters. */
const unseen = /[\p{Cc}\p{Cs}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
/** More accents than any script stacks on one letter. */
const stackedMarks = /(\p{M}{4})\p{M}+/gu;
/** The helper makes a line of an item with this title. */
const separatorTitle = /^<SEPARATOR>$/i;

/** One line of at most `longest` characters, with "…" where some were left out. */
export function cleanText(text: string, longest = 40): string {
  // Cut first, generously: what follows must not work through megabytes.
  const head = text.slice(0, longest * 16).replace(unseen, ' ');
  const line = head.replace(stackedMarks, '$1').replace(/\s+/gu, ' ').trim();
  const characters = Array.from(new Intl.Segmenter('en').segment(line), ({ segment }) => segment);
  const cut = characters.length > longest || text.length > longest * 16;
  const kept = cut ? `${characters.slice(0, longest - 1).join('')}…` : line;
  if (kept === '') return '(no name)';
  return separatorTitle.test(kept) ? 'SEPARATOR' : kept;
}

/** `12.3 MB`; powers of 1000, as file managers show them. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[step] ?? ''}`;
}

/** `media-empty-error` -> `media empty`; `none` says nothing. */
export function reasonsText(reasons: readonly string[]): string {
  const words = reasons
    .filter((reason) => reason !== 'none')
    .map((reason) => reason.replace(/-(error|warning|report)$/, ''));
  return cleanText(words.slice(0, 2).join(', ').replaceAll('-', ' ') || ' ', 60).replace('(no name)', '');
}

/** What marks an access key in a menu is doubled to be seen itself (com.canonical.dbusmenu `label`; Windows: `&`). */
export function titleFor(platform: NodeJS.Platform, title: string): string {
  if (platform === 'linux') return title.replaceAll('_', '__');
  return platform === 'win32' ? title.replaceAll('&', '&&') : title;
}

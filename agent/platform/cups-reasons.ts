/** Reasons of states, and those that CUPS has only in words. */
import { Keyword } from '../../protocol/resources.ts';
import { stringsOf } from '../printing/ipp-attributes.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';

/** Without `none`, which RFC 8011 5.4.12 has for the empty set. */
export function reasonsIn(from: AttributeGroup, attribute: string): string[] {
  return stringsOf(from, attribute).filter((reason) => reason !== 'none' && Keyword.safeParse(reason).success);
}

/**
 * CUPS' backends for network printers say of one that is away `none` or `connecting-to-device`, and the rest in a
 * sentence; in English, because that is the language of our requests.
 */
const sentencesOfAway = [
  'may not exist or is unavailable at this time',
  'is unreachable at this time',
  'is not responding',
  'unable to locate printer',
  'waiting for printer to become available',
];

/** With `offline-report` (PWG 5100.1) where only the sentence tells so. */
export function withOffline(reasons: readonly string[], sentence: string | undefined): readonly string[] {
  const words = sentence?.toLowerCase() ?? '';
  const away = sentencesOfAway.some((each) => words.includes(each));
  return away && !reasons.some((reason) => reason.startsWith('offline')) ? [...reasons, 'offline-report'] : reasons;
}

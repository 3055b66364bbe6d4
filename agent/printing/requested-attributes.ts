/** Which attributes an answer has: `requested-attributes` with its group names (RFC 8011 sections 4.2.5.1 and 4.3.4.1). */
import { stringsOf } from './ipp-attributes.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { isTemplateAttribute } from './printer-passed.ts';

/** Large, and given only to who names it (PWG 5100.7 section 6.9.5). */
const onlyByName = new Set(['media-col-database']);

export function requestedPrinterAttributes(all: AttributeGroup, operation: AttributeGroup): AttributeGroup {
  return filtered(all, operation, {
    fallback: ['all'],
    groups: {
      all: () => true,
      'job-template': isTemplateAttribute,
      'printer-description': (attribute) => !isTemplateAttribute(attribute),
    },
  });
}

export function requestedJobAttributes(
  all: AttributeGroup,
  operation: AttributeGroup,
  fallback: readonly string[],
): AttributeGroup {
  return filtered(all, operation, {
    fallback,
    groups: {
      all: () => true,
      'job-template': isTemplateAttribute,
      'job-description': (attribute) => !isTemplateAttribute(attribute),
    },
  });
}

interface Filter {
  /** What is meant where nothing is asked for. */
  readonly fallback: readonly string[];
  readonly groups: Readonly<Record<string, (attribute: string) => boolean>>;
}

function filtered(all: AttributeGroup, operation: AttributeGroup, { fallback, groups }: Filter): AttributeGroup {
  const asked = operation.has('requested-attributes') ? stringsOf(operation, 'requested-attributes') : fallback;
  const names = new Set(asked);
  const tests = asked.flatMap((name) => (Object.hasOwn(groups, name) ? [groups[name]] : []));
  const wanted = (attribute: string): boolean =>
    names.has(attribute) || (!onlyByName.has(attribute) && tests.some((test) => test?.(attribute) === true));
  return new Map(Array.from(all).filter(([attribute]) => wanted(attribute)));
}

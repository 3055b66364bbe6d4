/** Operations on a printer as a whole: what it says of itself (RFC 8011 section 4.2.5), and where it is (PWG 5100.13 section 3.1). */
import { bareFormat } from './document-format.ts';
import { accepted, acceptedWithout, refused, type IppAnswer } from './ipp-answer.ts';
import { firstString, keyword, stringsOf } from './ipp-attributes.ts';
import { factsFor, type IppExchange } from './ipp-exchange.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { printerAttributes } from './printer-attributes.ts';
import { identifyActions } from './printer-fixed.ts';
import { cutToBytes } from './printer-name.ts';
import type { Printer } from './printer.ts';
import { requestedPrinterAttributes } from './requested-attributes.ts';

export async function getPrinterAttributes(exchange: IppExchange, printer: Printer): Promise<IppAnswer> {
  const { operation, address } = exchange;
  const all = printerAttributes(printer, await printer.describe(), address, factsFor(exchange, printer));
  const format = firstString(operation, 'document-format');
  if (format !== undefined && !stringsOf(all, 'document-format-supported').includes(bareFormat(format)))
    return refused(
      'client-error-document-format-not-supported',
      `The printer does not take ${format}.`,
      new Map([['document-format', operation.get('document-format') ?? []]]),
    );
  return accepted({ group: 'printer', attributes: requestedPrinterAttributes(all, operation) });
}

/** What people are shown comes from anybody around: short, one line, and never more than words. */
const mostMessageBytes = 127;

export function identifyPrinter({ deps, operation, owner }: IppExchange, printer: Printer): IppAnswer {
  const asked = stringsOf(operation, 'identify-actions');
  const offered: readonly string[] = identifyActions;
  const known = asked.filter((action) => offered.includes(action));
  const unknown = asked.filter((action) => !offered.includes(action));
  const message = cutToBytes(
    (firstString(operation, 'message') ?? '').replaceAll(/\p{Cc}+/gu, ' ').trim(),
    mostMessageBytes,
  );
  deps.identify(printer, { actions: known.length > 0 ? known : offered, message, owner });
  const left: AttributeGroup = new Map(unknown.length > 0 ? [['identify-actions', keyword(...unknown)]] : []);
  return acceptedWithout(left);
}

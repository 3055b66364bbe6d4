/** What an operation answers: a status, maybe a sentence, groups of attributes. The server adds version and request-id. */
import { toNethoodError } from '../../protocol/errors.ts';
import { operationGroup, text } from './ipp-attributes.ts';
import { ippStatusOf } from './ipp-status.ts';
import { statusCodes, type StatusName } from './ipp-tables.ts';
import type { AttributeGroup, IppGroup, IppRequest, IppResponse } from './ipp-values.ts';

export interface IppAnswer {
  readonly status: number;
  readonly message?: string | undefined;
  readonly groups: readonly IppGroup[];
}

export function accepted(...groups: readonly IppGroup[]): IppAnswer {
  return { status: statusCodes['successful-ok'], groups };
}

/** RFC 8011 section 4.1.7: attributes that were left out of account are named in a group of their own. */
export function acceptedWithout(unsupported: AttributeGroup, ...groups: readonly IppGroup[]): IppAnswer {
  if (unsupported.size === 0) return accepted(...groups);
  const status = statusCodes['successful-ok-ignored-or-substituted-attributes'];
  return { status, groups: [{ group: 'unsupported', attributes: unsupported }, ...groups] };
}

export function refused(status: StatusName, message: string, unsupported?: AttributeGroup): IppAnswer {
  const groups: IppGroup[] =
    unsupported === undefined || unsupported.size === 0 ? [] : [{ group: 'unsupported', attributes: unsupported }];
  return { status: statusCodes[status], message, groups };
}

/** A queue that is not there and one that the asker may not see. */
export const noSuchPrinter = refused('client-error-not-found', 'There is no such printer.');
export const noSuchJob = refused('client-error-not-found', 'There is no such job.');

/** What went wrong inside is for the log, not for the network. */
export function failed(error: unknown): IppAnswer {
  const { code, message } = toNethoodError(error);
  const told = code === 'internal' ? 'The agent failed to answer; its log has the details.' : message;
  return { status: ippStatusOf(code), message: told, groups: [] };
}

/** status-message is text of at most 255 octets (RFC 8011 section 4.1.6.2). */
export function responseOf(
  { version, requestId }: Pick<IppRequest, 'version' | 'requestId'>,
  { status, message, groups }: IppAnswer,
): IppResponse {
  const words = message === undefined ? undefined : text(message.slice(0, 80));
  const operation = operationGroup({ 'status-message': words });
  return { version, requestId, status, groups: [operation, ...groups] };
}

/** The errors of nethood and the status codes of IPP (RFC 8011 appendix B), both directions side by side. */
import { NethoodError, type ErrorCode } from '../../protocol/errors.ts';
import { statusCodes, statusName, type StatusName } from './ipp-tables.ts';

/** What our front answers. What is not here does not happen on the way of a print job: a fault of our own. */
const statusOfCode: Readonly<Partial<Record<ErrorCode, StatusName>>> = {
  'bad-request': 'client-error-bad-request',
  ambiguous: 'client-error-not-found',
  unsupported: 'server-error-operation-not-supported',
  'not-found': 'client-error-not-found',
  'not-permitted': 'client-error-not-authorized',
  unauthorized: 'client-error-not-authenticated',
  unreachable: 'server-error-service-unavailable',
  interrupted: 'server-error-temporary-error',
  timeout: 'client-error-timeout',
  unavailable: 'server-error-service-unavailable',
  busy: 'server-error-busy',
  cancelled: 'server-error-job-canceled',
  'no-space': 'server-error-temporary-error',
  'too-large': 'client-error-request-entity-too-large',
  'bad-document': 'client-error-document-format-not-supported',
  'not-supported': 'client-error-attributes-or-values-not-supported',
  'job-failed': 'server-error-job-canceled',
  'bad-message': 'client-error-bad-request',
  'unsupported-version': 'server-error-version-not-supported',
};

/** What an answer of others means to us. */
const codeOfStatus: ReadonlyMap<number, ErrorCode> = new Map(
  Object.entries({
    'client-error-bad-request': 'bad-request',
    'client-error-forbidden': 'not-permitted',
    'client-error-not-authenticated': 'not-permitted',
    'client-error-not-authorized': 'not-permitted',
    'client-error-not-possible': 'not-permitted',
    'client-error-timeout': 'timeout',
    'client-error-not-found': 'not-found',
    'client-error-gone': 'not-found',
    'client-error-request-entity-too-large': 'too-large',
    'client-error-request-value-too-long': 'bad-request',
    'client-error-document-format-not-supported': 'bad-document',
    'client-error-attributes-or-values-not-supported': 'not-supported',
    'client-error-compression-not-supported': 'bad-document',
    'client-error-compression-error': 'bad-document',
    'client-error-conflicting-attributes': 'not-supported',
    'client-error-document-format-error': 'bad-document',
    'client-error-document-access-error': 'bad-document',
    'client-error-document-password-error': 'bad-document',
    'client-error-document-permission-error': 'bad-document',
    'client-error-document-security-error': 'bad-document',
    'client-error-document-unprintable-error': 'bad-document',
    'server-error-internal-error': 'unavailable',
    'server-error-operation-not-supported': 'unsupported',
    'server-error-service-unavailable': 'unavailable',
    'server-error-version-not-supported': 'unsupported-version',
    'server-error-device-error': 'unavailable',
    'server-error-temporary-error': 'unavailable',
    'server-error-not-accepting-jobs': 'unavailable',
    'server-error-busy': 'busy',
    'server-error-job-canceled': 'cancelled',
    'server-error-printer-is-deactivated': 'unavailable',
    'server-error-too-many-jobs': 'busy',
  } satisfies Partial<Record<StatusName, ErrorCode>>).map(([name, code]) => [statusCodes[name as StatusName], code]),
);

export function ippStatusOf(code: ErrorCode): number {
  return statusCodes[statusOfCode[code] ?? 'server-error-internal-error'];
}

/** RFC 8011 appendix B.1: 0x0000 to 0x00FF. */
export function isSuccessful(status: number): boolean {
  return status <= 0xff;
}

/**
 * The error that an unsuccessful answer stands for. Client errors that nobody knows are `bad-request`, all others
 * `unavailable` (RFC 8011 appendix B.1: an unknown code is treated as x00 of its class).
 * @param what names the thing asked, for the sentence: `The printer "laser"`
 * @param message the other side's status-message, where it gave one
 */
export function errorOfStatus(status: number, what: string, message?: string): NethoodError {
  const code = codeOfStatus.get(status) ?? (status >= 0x400 && status < 0x500 ? 'bad-request' : 'unavailable');
  // Theirs to word, not to move a cursor with.
  const words = message?.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 255);
  return new NethoodError(code, `${what} answered ${statusName(status)}${words ? ` (${words})` : ''}.`);
}

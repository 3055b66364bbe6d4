/** What a fault of Windows means to whoever asked; by numbers, because its words are in the language of its user. */
import { type ErrorCode, NethoodError } from '../../protocol/errors.ts';
import type { WindowsFault } from './windows-protocol.ts';

/** winerror.h */
const meanings: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  5: ['not-permitted', 'Windows does not let you do that'],
  39: ['no-space', 'The disk of the print system is full'],
  112: ['no-space', 'The disk of the print system is full'],
  1_322: ['not-permitted', 'Windows does not let you do that'],
  1_722: ['unreachable', 'The print system of Windows does not run'],
  1_753: ['unreachable', 'The print system of Windows does not run'],
  1_801: ['not-found', 'Windows has no such printer'],
  1_905: ['not-found', 'Windows no longer has the printer'],
  3_012: ['not-found', 'Windows has no such printer'],
};
/** Of a document: ERROR_WRONG_PASSWORD. */
const wrongPassword = 1_323;

const byCategory: Readonly<Record<string, ErrorCode>> = {
  PermissionDenied: 'not-permitted',
  ObjectNotFound: 'not-found',
};

/** The fault goes along as the cause: how many pages were drawn before it decides what may be done next. */
export function faultError(fault: WindowsFault): NethoodError {
  const code = codeOf(fault);
  if (fault.stage === 'document') return ofDocument(code, fault);
  if (fault.stage === 'pages')
    return new NethoodError('bad-document', 'The document has none of the pages that are asked for.', { cause: fault });
  const meaning = meanings[code];
  if (meaning !== undefined) return new NethoodError(meaning[0], `${meaning[1]}.`, { cause: fault });
  const id =
    fault.fault
      .replaceAll(/[^\w.,: -]+/g, ' ')
      .slice(0, 120)
      .trim() || fault.category;
  return new NethoodError(byCategory[fault.category] ?? 'unreachable', `The print system of Windows failed (${id}).`, {
    cause: fault,
  });
}

function ofDocument(code: number, fault: WindowsFault): NethoodError {
  // The disk and the user's rights are no fault of the document.
  const meaning = meanings[code];
  if (meaning !== undefined && code !== 5) return new NethoodError(meaning[0], `${meaning[1]}.`, { cause: fault });
  const why = code === wrongPassword ? 'it wants a password' : 'it is damaged, or of a kind that Windows does not know';
  return new NethoodError('bad-document', `Windows cannot read the document: ${why}.`, { cause: fault });
}

/** A code of Win32, from whichever place holds one (HRESULT_FROM_WIN32: facility 7). */
function codeOf({ native, hresult, fault }: WindowsFault): number {
  if (native > 0) return native;
  const inText = /HRESULT 0x8007([0-9a-f]{4})/i.exec(fault)?.[1];
  if (inText !== undefined) return Number.parseInt(inText, 16);
  return hresult >>> 16 === 0x8007 ? hresult & 0xffff : 0;
}

/** Pages that Windows may have by then; undefined where no fault was told: then nobody knows. */
export function pagesBefore(error: unknown): number | undefined {
  const cause = error instanceof NethoodError ? (error.cause as WindowsFault | undefined) : undefined;
  return typeof cause?.pages === 'number' ? cause.pages : undefined;
}

/** What the file system says, in the words of nethood: the only place of the part that looks at errno. */
import { type ErrorCode, errorTable, NethoodError } from '../../protocol/errors.ts';
import { pathComponents, type WirePath } from '../../protocol/wire-path.ts';

const readCodes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  // Links are not followed, so for those who ask they do not exist.
  ELOOP: 'not-found',
  EMLINK: 'not-found',
  ENAMETOOLONG: 'not-found',
  EINVAL: 'not-found',
  EILSEQ: 'not-found',
  EISDIR: 'not-a-file',
  // A socket, or a FIFO without the other end.
  ENXIO: 'not-a-file',
  ENODEV: 'not-a-file',
  EACCES: 'not-permitted',
  EPERM: 'not-permitted',
  EMFILE: 'busy',
  ENFILE: 'busy',
};

const writeCodes: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EACCES: 'not-permitted',
  EPERM: 'not-permitted',
  EROFS: 'not-permitted',
  ENOENT: 'not-found',
  ENOTDIR: 'not-a-folder',
  EEXIST: 'exists',
  ENOTEMPTY: 'exists',
  EISDIR: 'not-a-file',
  ELOOP: 'not-found',
  ENAMETOOLONG: 'bad-path',
  EILSEQ: 'bad-path',
  EFBIG: 'too-large',
  // A mount point, or a file that another program holds (Windows).
  EBUSY: 'not-permitted',
  EMFILE: 'busy',
  ENFILE: 'busy',
};

const sentences: Partial<Record<ErrorCode, (what: string) => string>> = {
  'not-found': (what) => `There is no ${what}.`,
  'not-a-file': (what) => `${what} is not a file.`,
  'not-permitted': (what) => `The system does not let the agent use ${what}.`,
  busy: () => 'Too many files are open; try again in a moment.',
  'no-space': (what) => `The disk is full: ${what} could not be written.`,
  exists: (what) => `Something is called ${what} already.`,
  'bad-path': (what) => `${what} is a name that cannot be written here.`,
  'not-a-folder': (what) => `${what} lies below something that is not a folder.`,
};

function readOnly(what: string): string {
  return `${what} is on a disk that is read-only.`;
}

/** Of an error met while reading `what`, which is named as in `"report.pdf" in the share "Public"`. */
export function readError(error: unknown, what: string): NethoodError {
  return mapped(error, what, { codes: readCodes, otherwise: 'read-failed', verb: 'read' });
}

/** Of an error met while writing `what`. */
export function writeError(error: unknown, what: string): NethoodError {
  return mapped(error, what, { codes: writeCodes, otherwise: 'write-failed', verb: 'written' });
}

/** Of a code that came without words. */
export function saidError(code: ErrorCode, what: string): NethoodError {
  return new NethoodError(code, sentences[code]?.(what) ?? errorTable[code].meaning);
}

interface Mapping {
  readonly codes: Readonly<Record<string, ErrorCode>>;
  readonly otherwise: ErrorCode;
  readonly verb: string;
}

function mapped(error: unknown, what: string, { codes, otherwise, verb }: Mapping): NethoodError {
  if (error instanceof NethoodError) return error;
  const errno = errnoOf(error);
  // Without an errno it is no answer of the file system but a fault of ours, and must look like one.
  if (errno === undefined) return new NethoodError('internal', String(error), { cause: error });
  const code = codes[errno] ?? otherwise;
  const say = errno === 'EROFS' ? readOnly : sentences[code];
  const message = say?.(what) ?? `${what} could not be ${verb} (${errno}).`;
  return new NethoodError(code, message, { cause: error });
}

export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Whether our own system said so, not a neighbour. */
export function isOfSystem(error: unknown): boolean {
  return errnoOf(error instanceof NethoodError ? error.cause : error) !== undefined;
}

export function hasErrno(error: unknown, ...codes: string[]): boolean {
  return codes.includes(errnoOf(error) ?? '');
}

/** A path for people, quoted: invalid bytes and control characters as U+FFFD, so that it can stand in a message. */
export function quotedPath(path: WirePath): string {
  const decoder = new TextDecoder();
  const names = pathComponents(path).map((name) => decoder.decode(name));
  return `"${names.join('/').replaceAll(/\p{C}/gu, '\uFFFD')}"`;
}

/**
 * The one table of errors. A code is said on every wire (peer protocol, control API, `--json`) and decides the exit
 * code of the command line and the HTTP status of a door. `docs/errors.md` lists the same codes; a test compares them.
 */

interface ErrorKind {
  /** Exit code of the command line (0 done, 1 our fault, 2 usage, 3 no agent, 4 not found, 5 not permitted, 6 unreachable or interrupted, 7 no space, 8 changed). */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  readonly http: number;
  /** What it means, for the documentation. */
  readonly meaning: string;
}

export const errorTable = {
  internal: { exit: 1, http: 500, meaning: 'A fault of nethood itself; the log has the details.' },
  'already-running': { exit: 1, http: 409, meaning: 'Another agent runs in this home.' },
  'config-invalid': {
    exit: 1,
    http: 500,
    meaning: 'The configuration file cannot be read; the last good copy is in use.',
  },
  'key-exposed': {
    exit: 1,
    http: 500,
    meaning: 'Other users of this PC can read the private key; nothing starts until that is mended.',
  },
  'key-invalid': {
    exit: 1,
    http: 500,
    meaning: 'The private key of this device cannot be used; nothing starts until it is restored or removed.',
  },
  'no-port': { exit: 1, http: 500, meaning: 'No free block of ports was found.' },
  usage: { exit: 2, http: 400, meaning: 'The command line is wrong.' },
  'bad-request': { exit: 2, http: 400, meaning: 'A request does not fit its schema.' },
  'bad-path': { exit: 2, http: 400, meaning: 'A path is not a wire path.' },
  ambiguous: { exit: 2, http: 409, meaning: 'A name fits several neighbours; the message lists them.' },
  unsupported: { exit: 2, http: 501, meaning: 'This agent, or the one asked, does not know the request.' },
  'no-agent': { exit: 3, http: 503, meaning: 'No agent runs in this home.' },
  'not-found': { exit: 4, http: 404, meaning: 'No such thing, or none that the asker may know of.' },
  'not-permitted': { exit: 5, http: 403, meaning: 'The asker may see the thing but not do that to it.' },
  unauthorized: { exit: 5, http: 401, meaning: 'The token of the control API is missing or wrong.' },
  unreachable: { exit: 6, http: 502, meaning: 'The neighbour cannot be reached.' },
  interrupted: {
    exit: 6,
    http: 502,
    meaning: 'The connection broke and did not come back in time; the same command resumes.',
  },
  timeout: { exit: 6, http: 504, meaning: 'No answer within the deadline.' },
  unavailable: {
    exit: 6,
    http: 503,
    meaning: 'The thing exists but cannot be used now (its folder vanished, its print system is down).',
  },
  busy: { exit: 6, http: 429, meaning: 'Too many requests at once; retry after the stated time.' },
  cancelled: { exit: 6, http: 499, meaning: 'Cancelled by a user.' },
  'no-space': { exit: 7, http: 507, meaning: 'The disk is full.' },
  changed: { exit: 8, http: 412, meaning: 'The file changed while it was fetched.' },
  exists: { exit: 5, http: 409, meaning: 'Something of that name exists already.' },
  'not-a-file': { exit: 4, http: 404, meaning: 'The path names a folder or a special file where a file is wanted.' },
  'not-a-folder': { exit: 4, http: 404, meaning: 'The path names a file where a folder is wanted.' },
  damaged: { exit: 1, http: 500, meaning: 'A file came other than it was sent, and again when it was fetched anew.' },
  'read-failed': { exit: 1, http: 500, meaning: 'The disk failed while a file was read.' },
  'write-failed': { exit: 1, http: 500, meaning: 'The disk failed, or the folder refused, while a file was written.' },
  range: { exit: 1, http: 416, meaning: 'The range asked for lies outside the file.' },
  'too-large': { exit: 2, http: 413, meaning: 'A message, list or document exceeds its limit.' },
  'bad-document': {
    exit: 2,
    http: 415,
    meaning: 'A document is not what it claims to be, or of a format that the printer does not take.',
  },
  'not-supported': {
    exit: 2,
    http: 422,
    meaning: 'The printer cannot print in the way that was asked for; the message names what it can.',
  },
  'job-failed': { exit: 1, http: 500, meaning: 'The print system gave the job up.' },
  'bad-message': { exit: 6, http: 400, meaning: 'The other agent said something that fits no schema.' },
  'unsupported-version': { exit: 6, http: 505, meaning: 'The two agents have no protocol version in common.' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;

export const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

interface NethoodErrorOptions extends ErrorOptions {
  /** Milliseconds after which asking again makes sense. */
  retryAfterMs?: number;
}

/** The only error class of nethood. `message` is one sentence that names the thing (peer, path, printer). */
export class NethoodError extends Error {
  override readonly name = 'NethoodError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: NethoodErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text);
}

/** Any thrown value as a NethoodError; what is not one is our own fault (`internal`). */
export function toNethoodError(error: unknown): NethoodError {
  if (error instanceof NethoodError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new NethoodError('internal', message, { cause: error });
}

export function hasCode(error: unknown, ...codes: ErrorCode[]): boolean {
  return error instanceof NethoodError && codes.includes(error.code);
}

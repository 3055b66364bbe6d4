/** The log as a dependency: pino's methods, and a child per part. One line a cause; values go in the object, escaped by JSON. */
import { mkdirSync } from 'node:fs';
import { pino, stdSerializers } from 'pino';
import { createStream } from 'rotating-file-stream';

interface LogMethod {
  (message: string): void;
  (values: object, message: string): void;
}

export interface Log {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  child(bindings: { part: string }): Log;
}

export const silentLog: Log = pino({ level: 'silent' });

/** Never written, down to the third level of what is logged. */
const secrets = ['token', 'secret', 'password', 'authorization', 'privateKey'];

/** JSON lines in `<folder>/agent.log`, rotated at 5 MiB, 5 files kept: at most 30 MiB. Secrets are never written. */
export function openLog(folder: string, level: string): Log & AsyncDisposable {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stream = createStream('agent.log', { path: folder, size: '5M', maxFiles: 5, mode: 0o600 });
  // A full disk must not stop the agent: lines are lost, and said on stderr once.
  let told = false;
  stream.on('error', (error: Error) => {
    if (!told) process.stderr.write(`nethood: the log in ${folder} cannot be written: ${error.message}\n`);
    told = true;
  });
  // An error has its message and causes in properties that JSON leaves out.
  const serializers = { error: stdSerializers.errWithCause };
  const logger = pino(
    { level, serializers, redact: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]) },
    stream,
  );
  const end = (): Promise<void> => new Promise((resolve) => void stream.end(() => resolve()));
  return Object.assign(logger, { [Symbol.asyncDispose]: end });
}

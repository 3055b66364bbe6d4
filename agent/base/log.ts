/** The log as a dependency: pino's methods, and a child per part. One line a cause; values go in the object, escaped by JSON. */
import { mkdirSync } from 'node:fs';
import { pino, stdSerializers } from 'pino';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import { systemClock } from './clock.ts';

const reopenAfterMs = 5_000;

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
  // An error has its message and causes in properties that JSON leaves out.
  const serializers = { error: stdSerializers.errWithCause };
  const redact = secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  const file = new LogFile(folder);
  const logger = pino({ level, serializers, redact }, file);
  return Object.assign(logger, { [Symbol.asyncDispose]: () => file.end() });
}

/**
 * A full disk must not stop the agent: lines are lost, that is said on stderr once, and a stream that failed, which
 * never recovers, is replaced after a while.
 */
class LogFile {
  readonly #folder: string;
  #stream: RotatingFileStream | undefined;
  #failedAt = -Infinity;
  #told = false;
  #ended = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#stream = this.#open();
  }

  write(line: string): void {
    if (this.#ended) return;
    if (this.#stream === undefined && systemClock.now() - this.#failedAt > reopenAfterMs) {
      this.#stream = this.#open();
      // The stream before may have stopped in the middle of a line.
      this.#stream.write('\n');
    }
    this.#stream?.write(line);
  }

  end(): Promise<void> {
    this.#ended = true;
    return new Promise((resolve) => {
      if (this.#stream === undefined) resolve();
      else this.#stream.end(() => resolve());
    });
  }

  #open(): RotatingFileStream {
    const stream = createStream('agent.log', { path: this.#folder, size: '5M', maxFiles: 5, mode: 0o600 });
    stream.on('error', (error: Error) => {
      if (this.#stream === stream) this.#stream = undefined;
      this.#failedAt = systemClock.now();
      if (!this.#told)
        process.stderr.write(`nethood: the log in ${this.#folder} cannot be written: ${error.message}\n`);
      this.#told = true;
    });
    return stream;
  }
}

/** What a command touches of the world outside the agent; tests pass their own. */
import { homedir } from 'node:os';
import type { Readable } from 'node:stream';

export interface Sink {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number;
}

export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly stdin: Readable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  readonly userHome: string;
  /** Aborts at the first Ctrl-C; the second one ends the process as usual. */
  readonly interrupt: AbortSignal;
}

export function processIo(): Io {
  let interrupt: AbortController | undefined;
  return {
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    // Looked at only by who reads it: opening it keeps a process alive.
    get stdin() {
      return process.stdin;
    },
    env: process.env,
    cwd: process.cwd(),
    platform: process.platform,
    userHome: homedir(),
    // From the first look on: a command that does not look ends by Ctrl-C as any program does.
    get interrupt() {
      if (interrupt === undefined) {
        const controller = new AbortController();
        process.once('SIGINT', () => controller.abort());
        interrupt = controller;
      }
      return interrupt.signal;
    },
  };
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  // `nethood ls | head`: who reads no further wants no more.
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    write: (text) => void stream.write(text),
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns ?? 80;
    },
  };
}

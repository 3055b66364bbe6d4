/** What every command is, and what it is given. */
import type { ControlClient } from '../protocol/control-client.ts';
import type { Paths } from '../config/paths.ts';
import type { Args } from './arguments.ts';
import type { Io } from './io.ts';
import type { Output } from './output.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** How its value is written in the usage: `N`, `<audience>`. */
  readonly value?: string;
  readonly help: string;
}

export interface Command {
  /** Words after the options: fewest and most. */
  readonly words: readonly [number, number];
  readonly options?: Readonly<Record<string, Option>>;
  /** `--watch` shows it again at each change. */
  readonly watch?: boolean;
  /** What the one line of the table does not say. */
  readonly details?: string;
  /** The exit code where it is not 0; all failures are thrown. */
  run(context: Context): Promise<number | void>;
}

export interface Context {
  readonly io: Io;
  readonly args: Args;
  readonly out: Output;
  readonly paths: Paths;
  /** Of `--home` or NETHOOD_HOME, absolute. */
  readonly home: string | undefined;
  /** @throws NethoodError `no-agent` */
  readonly client: () => Promise<ControlClient>;
}

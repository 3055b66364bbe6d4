import type { Emitter } from '../agent/base/emitter.ts';
import type { Config } from './schema.ts';

/** The configuration in use, and the one way to change it. */
export interface ConfigStore {
  readonly current: Config;
  readonly events: Emitter<{ changed: [Config] }>;
  /** One sentence on what is wrong with the file, while it is; the last good copy is in use then. */
  readonly problem: string | undefined;
  /** Saved durably before it counts; changes are made one after the other. @throws NethoodError `config-invalid` while the file is broken: it is never overwritten */
  update(change: (config: Config) => Config): Promise<Config>;
}

/**
 * How an older configuration becomes one of this version: one pure step per version, never changed once released.
 * The file keeps its old form until something is changed by a command, so that an older nethood can still read it.
 */
import { configVersion } from './schema.ts';

/** What a file holds before the schema has seen it. */
export type RawConfig = Readonly<Record<string, unknown>>;

export interface Migration {
  /** The version it takes; it gives the next one, `version` included. */
  readonly from: number;
  /** Why the form changed. */
  readonly reason: string;
  readonly step: (old: RawConfig) => RawConfig;
}

/** In order, without a gap, the last giving `configVersion`. Version 1 is the first: nothing leads to it. */
export const migrations: readonly Migration[] = [];

/** The value in the form of the newest version; untouched where its version is unknown or newer. */
export function migrate(value: RawConfig, steps: readonly Migration[] = migrations): RawConfig {
  return steps.reduce((raw, { from, step }) => (raw['version'] === from ? step(raw) : raw), value);
}

/** The version of a file that a newer nethood wrote. */
export function newerVersion(value: RawConfig): number | undefined {
  const version = value['version'];
  return typeof version === 'number' && version > configVersion ? version : undefined;
}

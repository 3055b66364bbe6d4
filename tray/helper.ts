/** The helper program that draws the icon, as the rest of the tray knows it. */
import { NethoodError } from '../protocol/errors.ts';
import type { MenuUpdate } from './menu-diff.ts';

export interface HelperExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what it wrote to stderr, for the one who reads the log. */
  readonly lastWords: string;
}

export interface Helper extends AsyncDisposable {
  /** Kept when it has ended, wanted or not. */
  readonly exited: Promise<HelperExit>;
  update(update: MenuUpdate): Promise<void>;
}

/** How the helper ended, where that is why `startHelper` failed. */
export function exitOf(error: unknown): HelperExit | undefined {
  const cause = error instanceof NethoodError ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'lastWords' in cause ? (cause as HelperExit) : undefined;
}

export function exitText({ code, signal, lastWords }: HelperExit): string {
  const how = signal === null ? `exit code ${String(code)}` : signal;
  return lastWords === '' ? how : `${how}: ${lastWords}`;
}

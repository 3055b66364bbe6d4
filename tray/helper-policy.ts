/** When the helper is started again, and what a person is told: pure. */
import type { HelperExit } from './helper.ts';

const delaysMs = [1_000, 5_000, 30_000, 300_000] as const;
const patientMs = 300_000;
/** An end so soon after the start, with one of these codes, means no display (1) or no library (127). */
const hopelessWithinMs = 2_000;
/** Who lived so long was well: the back-off begins anew. */
const wellAfterMs = 60_000;

export interface Restarts {
  /** Ends in a row. */
  readonly failures: number;
  /** The absence of a display was said. */
  readonly told: boolean;
}

export const noRestarts: Restarts = { failures: 0, told: false };

export interface Ending {
  /** Undefined where it never ran, or had to be killed. */
  readonly exit: HelperExit | undefined;
  /** Milliseconds from its start. */
  readonly lifetimeMs: number;
}

export interface RestartStep {
  readonly restarts: Restarts;
  readonly delayMs: number;
  /** To be said on stderr, once a cause. */
  readonly say: string | undefined;
}

export function stepRestart(before: Restarts, { exit, lifetimeMs }: Ending): RestartStep {
  const failures = lifetimeMs >= wellAfterMs ? 1 : before.failures + 1;
  if (lifetimeMs < hopelessWithinMs && (exit?.code === 1 || exit?.code === 127)) {
    const why = exit.code === 127 ? 'a library is missing (on Debian: libayatana-appindicator3-1)' : 'no display';
    const say = before.told ? undefined : `There is no tray here: ${why}. It is tried again every 5 minutes.`;
    return { restarts: { failures, told: true }, delayMs: patientMs, say };
  }
  const delayMs = delaysMs[Math.min(failures, delaysMs.length) - 1] ?? patientMs;
  return { restarts: { failures, told: false }, delayMs, say: `The tray's helper ended; it is started again.` };
}

/** Why this system can have no tray at all, one sentence; undefined where it is worth a try. */
export function whyNoTray(platform: NodeJS.Platform, arch: string, env: NodeJS.ProcessEnv): string | undefined {
  // By platform, not by what is in the package: its programs are for x64 alone. Rosetta and Windows run those.
  const runs = arch === 'x64' || (arch === 'arm64' && (platform === 'darwin' || platform === 'win32'));
  if (!['linux', 'darwin', 'win32'].includes(platform) || !runs) return `not on ${platform} ${arch}`;
  if (platform === 'linux' && (env['DISPLAY'] ?? '') === '') return 'no display (DISPLAY is not set)';
  return undefined;
}

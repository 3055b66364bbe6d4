/** Where an agent keeps its files. `--home DIR` or NETHOOD_HOME puts all of them into one folder, so that several agents fit on one PC. */
import { posix, win32 } from 'node:path';

export interface Paths {
  /** config.json. */
  readonly config: string;
  /** Key, ports, known neighbours, spool, transfers, logs, the last good copy of config.json. */
  readonly state: string;
  /** `agent.json`, the lock: gone after a restart of the PC. */
  readonly run: string;
  /** What users get: fetched files without a destination, PDF documents, the folder `Public`. */
  readonly files: string;
}

export interface PathsInput {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly userHome: string;
  /** Of `--home`; absolute. */
  readonly home?: string | undefined;
}

/** Pure: the same input gives the same paths on every system. (XDG Base Directory Specification 0.8 on Linux.) */
export function pathsOf(input: PathsInput): Paths {
  const path = input.platform === 'win32' ? win32 : posix;
  const join = (...parts: string[]): string => path.join(...parts);
  const home = input.home ?? filled(input.env['NETHOOD_HOME']);
  if (home !== undefined)
    return { config: home, state: join(home, 'state'), run: join(home, 'run'), files: join(home, 'files') };
  const files = join(input.userHome, 'Nethood');
  if (input.platform === 'win32') {
    const local = join(filled(input.env['LOCALAPPDATA']) ?? join(input.userHome, 'AppData', 'Local'), 'nethood');
    return { config: local, state: join(local, 'state'), run: join(local, 'run'), files };
  }
  if (input.platform === 'darwin') {
    const support = join(input.userHome, 'Library', 'Application Support', 'nethood');
    return { config: support, state: join(support, 'state'), run: join(support, 'run'), files };
  }
  const xdg = (name: string, fallback: string): string => absolute(input.env[name]) ?? join(input.userHome, fallback);
  const state = join(xdg('XDG_STATE_HOME', '.local/state'), 'nethood');
  const runtime = absolute(input.env['XDG_RUNTIME_DIR']);
  return {
    config: join(xdg('XDG_CONFIG_HOME', '.config'), 'nethood'),
    state,
    run: runtime === undefined ? join(state, 'run') : join(runtime, 'nethood'),
    files,
  };
}

function filled(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

/** XDG: relative paths in these variables are invalid and ignored. */
function absolute(value: string | undefined): string | undefined {
  return value?.startsWith('/') === true ? value : undefined;
}

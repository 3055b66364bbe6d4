/**
 * `config.json` in use. A file that is broken (or cannot be read) never stops the agent and is never overwritten: the
 * last good copy in `state/` is used, or the defaults, which share nothing. What a person edits while the agent runs
 * is taken over once it is valid and has been still for one look.
 */
import { mkdir, open, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, systemClock } from '../agent/base/clock.ts';
import { Emitter } from '../agent/base/emitter.ts';
import type { Log } from '../agent/base/log.ts';
import { writeFileDurable } from '../agent/base/write-file-durable.ts';
import { NethoodError } from '../protocol/errors.ts';
import type { ConfigStore } from './config-store.ts';
import { checkConfig, parseConfig, type Parsed } from './parse.ts';
import type { Paths } from './paths.ts';
import { type Config, defaultConfig } from './schema.ts';

interface ConfigDeps {
  readonly log: Log;
  readonly clock?: Clock;
}

/** Far above 500 shares with 200 devices each. */
const largestBytes = 8 << 20;
/** Looking costs one stat; watching by the system misses changes on network drives. */
const lookEveryMs = 1_000;

export async function openConfig(paths: Paths, deps: ConfigDeps): Promise<ConfigStore & AsyncDisposable> {
  const store = new ConfigFile(paths, deps);
  await store.load();
  store.watch();
  return store;
}

class ConfigFile implements ConfigStore, AsyncDisposable {
  readonly events = new Emitter<{ changed: [Config] }>();
  readonly #path: string;
  readonly #goodPath: string;
  readonly #deps: ConfigDeps;
  #current = defaultConfig;
  #problem: string | undefined;
  /** Of the file as last read, and as last looked at; undefined where there is none. */
  #readAs: string | undefined;
  #seenAs: string | undefined;
  /** Loads and updates, one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #timer: Disposable | undefined;
  #disposed = false;

  constructor(paths: Paths, deps: ConfigDeps) {
    this.#path = join(paths.config, 'config.json');
    this.#goodPath = join(paths.state, 'config.last-good.json');
    this.#deps = deps;
  }

  get current(): Config {
    return this.#current;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  load(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#take();
      if (this.#problem === undefined) return;
      const copy = await readConfig(this.#goodPath);
      if (copy !== undefined && 'config' in copy) this.#current = copy.config;
    });
  }

  watch(): void {
    if (this.#disposed) return;
    this.#timer = (this.#deps.clock ?? systemClock).timer(lookEveryMs, () => {
      void this.#inTurn(() => this.#look())
        .catch((error: unknown) => this.#deps.log.warn({ error }, 'A listener to the configuration failed.'))
        .finally(() => this.watch());
    });
  }

  update(change: (config: Config) => Config): Promise<Config> {
    return this.#inTurn(async () => {
      // What a person wrote since the last look must not be lost under what we write.
      await this.#take();
      if (this.#problem !== undefined)
        throw new NethoodError(
          'config-invalid',
          `Nothing can be changed while the configuration is broken: ${this.#problem}`,
        );
      const next = this.#checked(change(this.#current));
      if (isDeepStrictEqual(next, this.#current)) return next;
      await this.#save(next);
      this.#current = next;
      this.events.emit('changed', next);
      return next;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
    // Failures of what is under way reach those who asked for it.
    await this.#queue.catch(() => {});
    this.#timer?.[Symbol.dispose]();
  }

  /** Takes a changed file over when two looks in a row saw it alike: an editor may be half-way through writing it. */
  async #look(): Promise<void> {
    const seen = await signatureOf(this.#path);
    const still = seen === this.#seenAs;
    this.#seenAs = seen;
    if (still && seen !== this.#readAs) await this.#take();
  }

  /** Reads the file; what is in use and `problem` follow. Listeners hear of either. */
  async #take(): Promise<void> {
    const signature = await signatureOf(this.#path);
    const parsed = (await readConfig(this.#path)) ?? { config: defaultConfig };
    this.#readAs = signature;
    this.#seenAs = signature;
    if ('problem' in parsed) {
      if (parsed.problem === this.#problem) return;
      this.#problem = parsed.problem;
      this.#deps.log.warn({ problem: parsed.problem }, 'The configuration is broken; the last good one stays in use.');
      this.events.emit('changed', this.#current);
      return;
    }
    const mended = this.#problem !== undefined;
    this.#problem = undefined;
    const changed = !isDeepStrictEqual(parsed.config, this.#current);
    this.#current = parsed.config;
    if (signature !== undefined) await this.#keepCopy(parsed.config);
    if (changed || mended) this.events.emit('changed', parsed.config);
  }

  #checked(next: Config): Config {
    const checked = checkConfig(next, 'the changed configuration');
    if ('problem' in checked) throw new NethoodError('bad-request', checked.problem);
    return checked.config;
  }

  async #save(config: Config): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      // A link (as those who keep their settings elsewhere make) stays one; the file's own mode stays too.
      const target = await realpath(this.#path).catch(() => this.#path);
      const mode = await stat(target).then(
        (stats) => stats.mode & 0o777,
        () => 0o600,
      );
      await writeFileDurable(target, textOf(config), mode);
    } catch (error) {
      throw saveError(this.#path, error as NodeJS.ErrnoException);
    }
    this.#readAs = this.#seenAs = await signatureOf(this.#path);
    await this.#keepCopy(config);
  }

  /** The copy is a convenience: where it cannot be written (full disk), the configuration counts all the same. */
  async #keepCopy(config: Config): Promise<void> {
    const copy = await readConfig(this.#goodPath);
    if (copy !== undefined && 'config' in copy && isDeepStrictEqual(copy.config, config)) return;
    try {
      await mkdir(dirname(this.#goodPath), { recursive: true, mode: 0o700 });
      await writeFileDurable(this.#goodPath, textOf(config));
    } catch (error) {
      this.#deps.log.warn({ error }, 'The last good copy of the configuration cannot be written.');
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn;
    // The next in the queue does not care; the caller has the same promise.
    turn.catch(() => {});
    return turn;
  }
}

function textOf(config: Config): string {
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Nothing where there is no such file. */
async function readConfig(path: string): Promise<Parsed | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > largestBytes) return { problem: `${path} is too large (${size} bytes).` };
      return parseConfig(await file.readFile(), path);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    return { problem: `${path} cannot be read: ${code ?? message}.` };
  }
}

/** Changes whenever the file does. */
async function signatureOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join('-');
  } catch (error) {
    // Missing counts as such; what else stands in the way (a folder without rights) is a state of its own.
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : String(code);
  }
}

function saveError(path: string, cause: NodeJS.ErrnoException): NethoodError {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
    return new NethoodError('no-space', `The disk is full: ${path} cannot be saved.`, { cause });
  return new NethoodError('write-failed', `${path} cannot be saved: ${cause.code ?? cause.message}.`, { cause });
}

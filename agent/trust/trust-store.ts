/**
 * Whom this device trusts, and whom it refuses: pinned entries by key in `trust.json`. A name that a neighbour gives
 * itself is never the key of anything here. Deny comes before allow: a block counts at once, trust only when it is on
 * disk.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Trust } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { DeviceId, DisplayName } from '../../protocol/ids.ts';
import { Emitter } from '../base/emitter.ts';
import { writeFileDurable } from '../base/write-file-durable.ts';

const TrustEntry = z.object({
  id: DeviceId,
  trust: z.enum(['paired', 'blocked']),
  /** What the local user calls it. */
  label: DisplayName,
  /** Who said so: the user alone, or a pairing of both. */
  how: z.enum(['user', 'pairing']),
  when: z.iso.datetime(),
});
export type TrustEntry = z.infer<typeof TrustEntry>;

const TrustFile = z.object({ version: z.literal(1), entries: z.array(TrustEntry).max(10_000) });

export interface TrustStore {
  /** The device whose trust is another one now. */
  readonly events: Emitter<{ changed: [DeviceId] }>;
  /** One sentence on what is wrong with the file, while it is; the last good copy is in use then. */
  readonly problem: string | undefined;
  trustOf(id: DeviceId): Trust;
  list(): readonly TrustEntry[];
  /** @throws NethoodError `config-invalid` while the file is broken: it is never overwritten */
  set(id: DeviceId, entry: Omit<TrustEntry, 'id'>): Promise<void>;
  /** It is a stranger again. @throws as `set` */
  remove(id: DeviceId): Promise<void>;
}

/** @throws NethoodError `config-invalid` where neither the file nor its last good copy can be read: who is blocked would be forgotten */
export async function openTrustStore(stateFolder: string): Promise<TrustStore> {
  const path = join(stateFolder, 'trust.json');
  const copyPath = join(stateFolder, 'trust.last-good.json');
  const file = await readEntries(path);
  if (file.problem === undefined) return new TrustFileStore(path, copyPath, file);
  const copy = await readEntries(copyPath);
  if (copy.problem !== undefined || copy.missing) throw new NethoodError('config-invalid', file.problem);
  return new TrustFileStore(path, copyPath, { entries: copy.entries, problem: file.problem });
}

interface Loaded {
  readonly entries: readonly TrustEntry[];
  readonly problem: string | undefined;
  readonly missing?: boolean;
}

type Change = (entries: Map<DeviceId, TrustEntry>) => unknown;

class TrustFileStore implements TrustStore {
  readonly events = new Emitter<{ changed: [DeviceId] }>();
  readonly problem: string | undefined;
  readonly #path: string;
  readonly #copyPath: string;
  #entries: ReadonlyMap<DeviceId, TrustEntry>;
  /** Changes are made one after the other. */
  #last: Promise<void> = Promise.resolve();
  #asked = 0;
  /** The number of the latest wish to block: an earlier one, saved later, must not undo it. */
  readonly #blockedSince = new Map<DeviceId, number>();

  constructor(path: string, copyPath: string, { entries, problem }: Loaded) {
    this.#path = path;
    this.#copyPath = copyPath;
    this.problem = problem;
    this.#entries = new Map(entries.map((entry) => [entry.id, entry]));
  }

  trustOf(id: DeviceId): Trust {
    return this.#entries.get(id)?.trust ?? 'stranger';
  }

  list(): readonly TrustEntry[] {
    return Array.from(this.#entries.values());
  }

  set(id: DeviceId, entry: Omit<TrustEntry, 'id'>): Promise<void> {
    const parsed = TrustEntry.parse({ ...entry, id });
    const change: Change = (entries) => entries.set(id, parsed);
    // A stolen PC stays out even where the disk is full, and whatever was asked just before.
    if (parsed.trust === 'blocked') {
      this.#blockedSince.set(id, this.#asked + 1);
      this.#apply(id, change);
    }
    return this.#save(id, change);
  }

  remove(id: DeviceId): Promise<void> {
    return this.#save(id, (entries) => entries.delete(id));
  }

  #save(id: DeviceId, change: Change): Promise<void> {
    const order = ++this.#asked;
    const saved = this.#after(this.#last, async () => {
      if (this.problem !== undefined) throw new NethoodError('config-invalid', this.problem);
      const entries = new Map(this.#entries);
      change(entries);
      const content = `${JSON.stringify({ version: 1, entries: Array.from(entries.values()) }, undefined, 2)}\n`;
      await writeFileDurable(this.#path, content);
      await writeFileDurable(this.#copyPath, content);
      if ((this.#blockedSince.get(id) ?? 0) <= order) this.#apply(id, change);
    });
    // The caller gets the failure; the next change is not to fail for it.
    this.#last = saved.catch(() => undefined);
    return saved;
  }

  async #after(last: Promise<void>, work: () => Promise<void>): Promise<void> {
    await last;
    await work();
  }

  #apply(id: DeviceId, change: Change): void {
    const before = this.trustOf(id);
    const entries = new Map(this.#entries);
    change(entries);
    this.#entries = entries;
    if (this.trustOf(id) !== before) this.events.emit('changed', id);
  }
}

async function readEntries(path: string): Promise<Loaded> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new NethoodError('config-invalid', `The trust file ${path} cannot be read.`, { cause: error });
  });
  if (text === undefined) return { entries: [], problem: undefined, missing: true };
  const parsed = TrustFile.safeParse(jsonOf(text));
  if (parsed.success) return { entries: parsed.data.entries, problem: undefined };
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  return {
    entries: [],
    problem: `The trust file ${path} is broken${where}; mend it or restore trust.last-good.json.`,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Fits no schema: said there, with the file's name.
    return undefined;
  }
}

/**
 * The doors of the gateway on disk: one for each installed printer, with its secret and the printer's last description,
 * so that its queue works while the neighbour is away. Readable by nobody else; names of files are our own.
 */
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DeviceId, DisplayName, QueueName } from '../../protocol/ids.ts';
import { randomId } from '../base/random-id.ts';
import type { Log } from '../base/log.ts';
import { writeFileDurable } from '../base/write-file-durable.ts';
import { attributesFromJson, attributesToJson, JsonAttributes } from './ipp-json.ts';
import type { AttributeGroup } from './ipp-values.ts';

const Base32 = z.string().regex(/^[a-z2-7]{26}$/);

const Door = z.object({
  /** Names its files. */
  id: Base32,
  device: DeviceId,
  /** At its owner. */
  printer: QueueName,
  /** In the print system of this PC. */
  queue: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,126}$/),
  secret: Base32,
  /** For people, as they were called when it was installed. */
  neighbour: DisplayName,
  name: DisplayName,
});
export type Door = z.infer<typeof Door>;

const DoorsFile = z.object({ version: z.literal(1), doors: z.array(Door).max(500) });

export interface OpenedDoor {
  readonly door: Door;
  readonly described: AttributeGroup;
}

export class GatewayStore {
  readonly #folder: string;
  readonly #doors = new Map<string, OpenedDoor>();
  #saved: Promise<void> = Promise.resolve();
  /** Why the doors of before are lost, one sentence. */
  readonly problem: string | undefined;

  private constructor(folder: string, doors: readonly OpenedDoor[], problem: string | undefined) {
    this.#folder = folder;
    for (const each of doors) this.#doors.set(each.door.id, each);
    this.problem = problem;
  }

  /** A file that cannot be understood is put aside, and said; the agent serves without. */
  static async open(folder: string, log: Log): Promise<GatewayStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, 'doors.json');
    const read = await readDoors(path);
    if ('fault' in read) {
      log.error({ path, fault: read.fault }, 'The list of installed printers cannot be read; it is put aside.');
      await rename(path, `${path}.broken`);
      const words = 'The list of installed printers is damaged; install them again.';
      return new GatewayStore(folder, [], words);
    }
    const opened = await Promise.all(
      read.doors.map(async (door) => ({
        door,
        described: await readDescription(join(folder, `${door.id}.json`), log),
      })),
    );
    return new GatewayStore(folder, opened, undefined);
  }

  list(): readonly Door[] {
    return Array.from(this.#doors.values(), ({ door }) => door);
  }

  find(device: string, printer: string): OpenedDoor | undefined {
    return Array.from(this.#doors.values()).find(({ door }) => door.device === device && door.printer === printer);
  }

  /** Kept when it is on disk. */
  async add(fields: Omit<Door, 'id' | 'secret'>, described: AttributeGroup): Promise<Door> {
    const door = Door.parse({ ...fields, id: randomId(), secret: randomId() });
    await this.#writeDescription(door.id, described);
    this.#doors.set(door.id, { door, described });
    await this.#save();
    return door;
  }

  async remove({ id }: Door): Promise<void> {
    this.#doors.delete(id);
    await this.#save();
    await Promise.all(['json', 'ipp'].map((kind) => rm(join(this.#folder, `${id}.${kind}`), { force: true })));
  }

  async describe({ id }: Door, described: AttributeGroup): Promise<void> {
    const known = this.#doors.get(id);
    if (known === undefined) return;
    this.#doors.set(id, { ...known, described });
    await this.#writeDescription(id, described);
  }

  /** A request to the print system with the secret in it, for a person with the rights to send it. */
  async writeRequest({ id }: Door, request: Uint8Array): Promise<string> {
    const path = join(this.#folder, `${id}.ipp`);
    await writeFileDurable(path, request);
    return path;
  }

  async #writeDescription(id: string, described: AttributeGroup): Promise<void> {
    await writeFileDurable(join(this.#folder, `${id}.json`), JSON.stringify(attributesToJson(described)));
  }

  /** One after the other, each with what counts then. */
  #save(): Promise<void> {
    const save = async (): Promise<void> => {
      const text = JSON.stringify({ version: 1, doors: this.list() }, undefined, 2);
      await writeFileDurable(join(this.#folder, 'doors.json'), `${text}\n`);
    };
    const saved = this.#saved.then(save, save);
    // Whoever asked hears of it; the next one tries anew.
    this.#saved = saved.catch(() => undefined);
    return saved;
  }
}

async function readDoors(path: string): Promise<{ readonly doors: readonly Door[] } | { readonly fault: string }> {
  try {
    return { doors: DoorsFile.parse(JSON.parse(await readFile(path, 'utf8'))).doors };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { doors: [] };
    return { fault: String(error) };
  }
}

/** Without it the printer says nothing of itself until its neighbour is here. */
async function readDescription(path: string, log: Log): Promise<AttributeGroup> {
  try {
    return attributesFromJson(JsonAttributes.parse(JSON.parse(await readFile(path, 'utf8'))));
  } catch (error) {
    log.warn({ path, error: String(error) }, "An installed printer's description cannot be read.");
    return new Map();
  }
}

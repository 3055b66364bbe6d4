/** `mdns-names.json`: the names that we had to take, for the next start. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from '../base/log.ts';
import { writeFileDurable } from '../base/write-file-durable.ts';
import type { NameMemory } from './engine-names.ts';

const Attempt = z.int().min(1).max(10);
const NameFile = z.object({
  version: z.literal(1),
  host: Attempt,
  instances: z.record(z.string().max(255), Attempt),
});

export interface NameFile {
  readonly memory: NameMemory;
  save(memory: NameMemory): void;
}

const nothing: NameMemory = { host: 1, instances: {} };

export async function openNameFile(stateFolder: string, log: Log): Promise<NameFile> {
  const path = join(stateFolder, 'mdns-names.json');
  const memory = await readMemory(path).catch((error: unknown) => {
    // Worth a line, not a failure: the names are found out again.
    log.warn({ path, error }, 'The remembered names cannot be read.');
    return nothing;
  });
  let writing: Promise<void> = Promise.resolve();
  const save = (next: NameMemory): void => {
    writing = writing
      .then(() => writeFileDurable(path, JSON.stringify({ version: 1, ...next })))
      .catch((error: unknown) => log.warn({ path, error }, 'The names cannot be remembered.'));
  };
  return { memory, save };
}

async function readMemory(path: string): Promise<NameMemory> {
  try {
    const { host, instances } = NameFile.parse(JSON.parse(await readFile(path, 'utf8')));
    return { host, instances };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    throw error;
  }
}

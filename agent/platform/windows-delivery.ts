/**
 * How far each document came on its way into Windows, in a folder of our own state, so that it can be told after a crash
 * of the agent, of PowerShell or of both:
 *
 *   <uuid>.document   what PowerShell reads; gone when it is done with it
 *   <uuid>.begun      Windows may have some of it
 *   <uuid>.done       PowerShell says that Windows has it whole
 *   <uuid>.removed    we took it back
 */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { JobUuid } from '../../protocol/ids.ts';
import { syncFolder, writeFileDurable } from '../base/write-file-durable.ts';
import type { Document } from '../printing/print-backend.ts';
import { folderError, missing } from './pdf-delivery.ts';
import { rasterKinds, rasterToPdf } from './raster-to-pdf.ts';

/** As long as the spool keeps records, and more. */
const keptMs = 30 * 24 * 3_600_000;
/** The PowerShell of an agent that stopped may read its document for so long. */
const readMs = 3_600_000;

export type Delivered = 'never' | 'unknown' | 'whole' | 'removed';

export class WindowsDeliveries {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string, now: number): Promise<WindowsDeliveries> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const age = now - ((await stat(path).catch(missing))?.mtimeMs ?? now);
      const most = name.endsWith('.document') ? readMs : keptMs;
      if (age > most) await rm(path, { force: true }).catch(() => undefined);
    }
    return new WindowsDeliveries(folder);
  }

  path(uuid: JobUuid, kind: 'document' | 'begun' | 'done' | 'removed'): string {
    return join(this.#folder, `${uuid.slice('urn:uuid:'.length)}.${kind}`);
  }

  /** Whole on disk, raster as PDF. @throws `bad-document`, `no-space`, `unavailable`, and what the document says */
  async take(document: Document, signal: AbortSignal): Promise<string> {
    const path = this.path(document.uuid, 'document');
    const kind = rasterKinds.get(document.format);
    const file = createWriteStream(path, { mode: 0o600 });
    try {
      if (kind === undefined) await pipeline(document.open(), file, { signal });
      else
        await pipeline(document.open(), (source: AsyncIterable<Buffer>) => rasterToPdf(source, { kind }), file, {
          signal,
        });
      return path;
    } catch (error) {
      await rm(path, { force: true });
      signal.throwIfAborted();
      return folderError(error, this.#folder);
    }
  }

  async drop(uuid: JobUuid): Promise<void> {
    await rm(this.path(uuid, 'document'), { force: true });
  }

  /** On disk before Windows hears of it. */
  begin(uuid: JobUuid): Promise<void> {
    return this.#note(uuid, 'begun');
  }

  /** Windows has nothing of it, for certain. */
  async undo(uuid: JobUuid): Promise<void> {
    await rm(this.path(uuid, 'begun'), { force: true });
    await syncFolder(this.#folder);
  }

  removed(uuid: JobUuid): Promise<void> {
    return this.#note(uuid, 'removed');
  }

  async how(uuid: JobUuid): Promise<Delivered> {
    if (await this.#is(uuid, 'removed')) return 'removed';
    if (await this.#is(uuid, 'done')) return 'whole';
    return (await this.#is(uuid, 'begun')) ? 'unknown' : 'never';
  }

  async #is(uuid: JobUuid, kind: 'begun' | 'done' | 'removed'): Promise<boolean> {
    return (await stat(this.path(uuid, kind)).catch(missing)) !== undefined;
  }

  #note(uuid: JobUuid, kind: 'begun' | 'removed'): Promise<void> {
    return writeFileDurable(this.path(uuid, kind), '').catch((error: unknown) => folderError(error, this.#folder));
  }
}

import { finished, type Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { buffersPassed } from '../base/collect-buffers.ts';
import type { PartFile } from './part-file.ts';
import { paceBytes, type RateLimit } from './rate-limit.ts';

export type PourSink = Pick<PartFile, 'add' | 'full' | 'room'>;

export interface PourOptions {
  readonly size: number | undefined;
  /** Called before bytes are taken; what it throws ends it. */
  readonly taking: (bytes: number) => void;
  readonly signal: AbortSignal;
  /** For messages. */
  readonly what: string;
}

/**
 * Pours a stream into a part, no faster than the disk takes it, and leaves the stream paused where that fails.
 * On events, as `receive-body.ts`: a promise for each piece costs a tenth of the speed.
 * @throws `bad-request` (another length than was said), `interrupted`, or what the stream or the disk says
 */
export function pourBody(body: Readable, part: PourSink, options: PourOptions): Promise<void> {
  const { size, taking, signal, what } = options;
  return new Promise((resolve, reject) => {
    let taken = 0;
    let over = false;
    const end = (error?: unknown): void => {
      if (over) return;
      over = true;
      stopWatching();
      body.off('data', take).pause();
      signal.removeEventListener('abort', stop);
      if (error === undefined && (size === undefined || taken === size)) resolve();
      else reject(error === undefined ? wrongLength(what, size, taken) : brokenBody(error, what));
    };
    const stop = (): void => end(signal.reason);
    const goOn = (): void => void (over || body.resume());
    const add = (bytes: Buffer): void => {
      taken += bytes.length;
      if (size !== undefined && taken > size) throw wrongLength(what, size, taken);
      taking(bytes.length);
      part.add(bytes);
      buffersPassed(bytes.length);
      if (!part.full) return;
      body.pause();
      part.room().then(goOn, end);
    };
    const take = (bytes: Buffer | string): void => {
      try {
        add(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
      } catch (error) {
        end(error);
      }
    };
    const stopWatching = finished(body, { writable: false }, (error) => end(error ?? undefined));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    else body.on('data', take);
  });
}

export function wrongLength(what: string, size: number | undefined, taken: number): NethoodError {
  return new NethoodError('bad-request', `${what} was to have ${size} bytes, and ${taken} came.`);
}

export function brokenBody(error: unknown, what: string): Error {
  if (error instanceof NethoodError || (error instanceof Error && error.name === 'AbortError')) return error;
  return new NethoodError('interrupted', `${what} broke off before its end.`, { cause: error });
}

/** The same part, filled no faster than the user's limit allows. @param pace by that limit */
export function pacedSink(part: PourSink, limit: RateLimit, pace: (bytes: number) => Promise<unknown>): PourSink {
  let unpaced = 0;
  return {
    add: (bytes) => {
      part.add(bytes);
      unpaced += bytes.length;
    },
    get full() {
      return part.full || (limit.active && unpaced >= paceBytes);
    },
    room: async () => {
      await part.room();
      const bytes = unpaced;
      unpaced = 0;
      await pace(bytes);
    },
  };
}

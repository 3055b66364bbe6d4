import type { IncomingMessage } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import { deadlines } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import type { PartFile } from './part-file.ts';
import { connectionError } from './peer-http.ts';

export interface ReceiveDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Who sends, for messages. */
  readonly name: string;
  readonly received: (bytes: number) => void;
}

/**
 * Pours a body into a file, no faster than the disk takes it. Ends when all that Content-Length promised was taken.
 * Events rather than a loop: TLS gives 16 KiB at a time, and a promise for each costs a tenth of the speed.
 * @throws `interrupted`, `timeout` (stalled), or what the disk says
 */
export function receiveBody(response: IncomingMessage, part: PartFile, deps: ReceiveDeps): Promise<void> {
  const { clock, signal, name, received } = deps;
  return new Promise((resolve, reject) => {
    let lastByte = clock.now();
    let waitsForDisk = false;
    let timer = clock.timer(deadlines.stall, look);
    const end = (error?: unknown): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', stop);
      response.off('data', take).off('end', whole).off('close', cut);
      // A late error of the socket has nothing left to tell.
      response.on('error', () => undefined);
      if (error === undefined) resolve();
      else {
        response.destroy();
        reject(error);
      }
    };
    function stop(): void {
      end(signal.reason);
    }
    function look(): void {
      const silent = waitsForDisk ? 0 : clock.now() - lastByte;
      if (silent >= deadlines.stall) end(new NethoodError('timeout', `${name} sent no byte for a minute.`));
      else timer = clock.timer(deadlines.stall - silent, look);
    }
    function go(): void {
      waitsForDisk = false;
      lastByte = clock.now();
      response.resume();
    }
    function take(bytes: Buffer): void {
      lastByte = clock.now();
      part.add(bytes);
      received(bytes.length);
      if (!part.full) return;
      waitsForDisk = true;
      response.pause();
      part.room().then(go, end);
    }
    function whole(): void {
      end(response.complete ? undefined : connectionError(undefined, name));
    }
    function cut(): void {
      end(connectionError(response.errored, name));
    }
    response
      .on('data', take)
      .once('end', whole)
      .once('close', cut)
      .once('error', (error) => end(connectionError(error, name)));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}

/** Sends a body as fast as the other side takes it. One that takes nothing for the stall deadline is cut off. */
import type { ServerResponse } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import { deadlines } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';

export interface BodyDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Kept when the last byte has gone to the system. @throws `timeout` (stalled), `interrupted`, or what `body` throws */
export async function sendBody(
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
  deps: BodyDeps,
): Promise<void> {
  for await (const bytes of body) {
    if (!response.write(bytes)) await taken(response, 'drain', deps);
  }
  response.end();
  if (!response.writableFinished) await taken(response, 'finish', deps);
}

function taken(response: ServerResponse, event: 'drain' | 'finish', { clock, signal }: BodyDeps): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: NethoodError): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', gone);
      response.off(event, went).off('close', gone);
      if (error === undefined) resolve();
      else reject(error);
    };
    const went = (): void => end();
    const gone = (): void => end(new NethoodError('interrupted', 'The other side went away.'));
    const timer = clock.timer(deadlines.stall, () =>
      end(new NethoodError('timeout', 'The other side took no byte for a minute.')),
    );
    response.once(event, went).once('close', gone);
    signal.addEventListener('abort', gone, { once: true });
    // Whoever went away before we listened sends no event any more.
    if (signal.aborted || response.destroyed || response.closed) gone();
  });
}

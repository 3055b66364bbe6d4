import { setTimeout } from 'node:timers/promises';
import { NethoodError } from '../protocol/errors.ts';

/** Keeps the process alive, unlike the agent's clock: here nothing else may be left that does. @throws NethoodError `cancelled` */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch((cause: unknown) => {
    throw new NethoodError('cancelled', 'Cancelled.', { cause });
  });
}

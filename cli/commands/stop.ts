import { claimHome } from '../../agent/base/single-instance.ts';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { Command } from '../command.ts';
import { pause } from '../pause.ts';

const stopWithinMs = 20_000;
const lookEveryMs = 50;

export const stop: Command = {
  words: [0, 0],
  details: 'Returns when it has ended: transfers are kept for the next start, jobs too.',
  async run({ client, io, out, paths }) {
    await (await client()).call('stop', {});
    const deadline = performance.now() + stopWithinMs;
    while (await isClaimed(paths.state, io.platform)) {
      if (performance.now() > deadline)
        throw new NethoodError('timeout', `The agent has not ended within ${stopWithinMs / 1000} s.`);
      await pause(lookEveryMs, io.interrupt);
    }
    out.result({ stopped: true }, () => out.say('The agent has stopped.'));
  },
};

/** The home is free when its process is gone for good, however that ended. */
async function isClaimed(stateFolder: string, platform: NodeJS.Platform): Promise<boolean> {
  try {
    const claim = await claimHome(stateFolder, platform);
    await claim[Symbol.asyncDispose]();
    return false;
  } catch (error) {
    if (hasCode(error, 'already-running')) return true;
    throw error;
  }
}

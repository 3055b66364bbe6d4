/** Calls about this device itself. */
import type { ActionDeps, ControlCalls } from './control-actions.ts';

type DeviceCalls = Pick<ControlCalls, 'stop' | 'rename' | 'pause' | 'resume' | 'doctor'>;

export function deviceCalls({
  config,
  neighbours,
  doctor,
  stop,
}: Pick<ActionDeps, 'config' | 'neighbours' | 'doctor' | 'stop'>): DeviceCalls {
  const setPaused = async (paused: boolean): Promise<Record<string, never>> => {
    await config.update((current) => ({ ...current, paused }));
    return {};
  };
  return {
    async stop() {
      stop();
      return {};
    },
    async rename({ name }) {
      await config.update((current) => ({ ...current, name }));
      await neighbours.rename(name);
      return { name };
    },
    pause: () => setPaused(true),
    resume: () => setPaused(false),
    doctor: (_request, signal) => doctor.examine(signal),
  };
}

/** The tray's line to the agent of its home: found by its file, followed by its events, found again when it went away. */
import { type Clock, sleep } from '../agent/base/clock.ts';
import { ControlClient } from '../protocol/control-client.ts';
import { type AgentFile, applyEventLine, type Snapshot } from '../protocol/control.ts';
import { hasCode, toNethoodError } from '../protocol/errors.ts';

const retryEveryMs = 1_000;
/** The agent says something every 15 s; without that it is dead or stuck. */
const silenceMs = 40_000;

export interface AgentLinkDeps {
  readonly clock: Clock;
  /** @throws NethoodError `no-agent` */
  readonly readAgentFile: () => Promise<AgentFile>;
  readonly onSnapshot: (snapshot: Snapshot | undefined) => void;
  readonly say: (message: string) => void;
}

export class AgentLink {
  readonly #deps: AgentLinkDeps;
  #client: ControlClient | undefined;

  constructor(deps: AgentLinkDeps) {
    this.#deps = deps;
  }

  /** Undefined while no agent answers. */
  get client(): ControlClient | undefined {
    return this.#client;
  }

  /** Until the signal aborts; throws its reason then. */
  async follow(signal: AbortSignal): Promise<never> {
    for (let said: string | undefined; ;) {
      const problem = await this.#followOnce(signal);
      signal.throwIfAborted();
      this.#client = undefined;
      this.#deps.onSnapshot(undefined);
      // Each cause once: an agent that stays away is asked for every second.
      if (problem !== undefined && problem !== said) this.#deps.say(problem);
      said = problem;
      await sleep(this.#deps.clock, retryEveryMs, signal);
    }
  }

  /** Kept, with what is worth saying, when the agent is gone. */
  async #followOnce(outer: AbortSignal): Promise<string | undefined> {
    const silence = new AbortController();
    const arm = (): Disposable => this.#deps.clock.timer(silenceMs, () => silence.abort());
    let watchdog = arm();
    try {
      const client = new ControlClient(await this.#deps.readAgentFile());
      let snapshot: Snapshot | undefined;
      for await (const line of client.events(AbortSignal.any([outer, silence.signal]))) {
        watchdog[Symbol.dispose]();
        watchdog = arm();
        const next = applyEventLine(snapshot, line);
        if (next === undefined || next === snapshot) continue;
        snapshot = next;
        this.#client = client;
        this.#deps.onSnapshot(next);
      }
      return undefined;
    } catch (error) {
      // The usual ways of an agent to go and be away are shown in the menu, and not worth a line.
      const quiet = outer.aborted || silence.signal.aborted || hasCode(error, 'no-agent', 'interrupted');
      return quiet ? undefined : toNethoodError(error).message;
    } finally {
      watchdog[Symbol.dispose]();
    }
  }
}

/** The shell of `dial-policy.ts`: dials whom it names, all addresses of one raced, and tells it how that went. */
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import { type DeviceId, shortId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import { dialStep, nextDialAt, noDials, type DialEvent, type DialState } from './dial-policy.ts';
import type { PeerSocket, PeerTransport } from './peer-socket.ts';
import type { Candidate } from './peer-table.ts';
import { race } from './race.ts';

export interface DialScheduleDeps {
  readonly self: DeviceId;
  readonly clock: Clock;
  readonly random: () => number;
  readonly transport: Pick<PeerTransport, 'dial'>;
  readonly candidates: (id: DeviceId) => Promise<readonly Candidate[]>;
  /** Its session is not ready yet: `connected` or `failed` is still to be told. */
  readonly opened: (socket: PeerSocket, at: Candidate) => void;
  readonly failed: (id: DeviceId, error: NethoodError) => void;
}

type Without<T, Keys extends PropertyKey> = T extends unknown ? Omit<T, Keys> : never;
export type DialNews = Without<DialEvent, 'now' | 'random'>;

export class DialSchedule implements Disposable {
  readonly #deps: DialScheduleDeps;
  #state: DialState;
  readonly #dials = new Map<DeviceId, AbortController>();
  #timer: Disposable | undefined;
  #disposed = false;

  constructor(deps: DialScheduleDeps) {
    this.#deps = deps;
    this.#state = noDials(deps.self);
  }

  isDialling(id: DeviceId): boolean {
    return this.#state.entries.get(id)?.phase === 'dialling';
  }

  tell(news: DialNews): void {
    if (this.#disposed) return;
    const { clock, random } = this.#deps;
    const now = clock.now();
    const { state, effects } = dialStep(this.#state, { ...news, now, random: random() } as DialEvent);
    this.#state = state;
    for (const { type, id } of effects) {
      if (type === 'dial') void this.#dial(id);
      else this.#dials.get(id)?.abort(new DOMException('The dial is not needed any more.', 'AbortError'));
    }
    this.#arm(now);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
    for (const dial of this.#dials.values()) dial.abort(new DOMException('The agent stops.', 'AbortError'));
  }

  async #dial(id: DeviceId): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    this.#dials.set(id, controller);
    try {
      const { way, prize } = await this.#race(id, signal);
      this.#deps.opened(prize, way);
    } catch (error) {
      // An abandoned dial is no failure: whoever abandoned it has a session, or wants none.
      if (!signal.aborted) this.#deps.failed(id, toNethoodError(error));
    } finally {
      if (this.#dials.get(id) === controller) this.#dials.delete(id);
    }
  }

  async #race(id: DeviceId, signal: AbortSignal): Promise<{ way: Candidate; prize: PeerSocket }> {
    const { clock, transport, candidates } = this.#deps;
    const ways = await candidates(id);
    if (ways.length === 0) throw new NethoodError('unreachable', `No address of ${shortId(id)} is known.`);
    return await race({
      ways,
      clock,
      signal,
      attempt: (way, lost) => transport.dial(id, way, way.port, lost),
      discard: (socket) => socket.close(1000, 'another way was faster'),
    });
  }

  /** `now` is that of the step: what became due since then was not dialled yet, and nothing else would tell of it. */
  #arm(now: number): void {
    this.#timer?.[Symbol.dispose]();
    const { clock } = this.#deps;
    const at = nextDialAt(this.#state, now);
    const wait = Math.max(0, at - clock.now());
    this.#timer = at === Infinity ? undefined : clock.timer(wait, () => this.tell({ type: 'tick' }));
  }
}

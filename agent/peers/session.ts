/** The shell of one session: socket, clock and handlers around the pure `session-step.ts`. */
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { closeCodes, peerLimits, type Hello, type PeerEvent, type PeerRequest } from '../../protocol/peer.ts';
import type { PeerRequestType, PeerResult } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import type { Asker } from '../trust/access.ts';
import type { PeerAsk, PeerHandlers } from './neighbours.ts';
import type { PeerSocket } from './peer-socket.ts';
import { answerRequest } from './session-answer.ts';
import { formatFrame, parseFrame, type Outgoing } from './session-frames.ts';
import { nextDeadline, openSession, type AskedFor, type Greeting, type Outcome } from './session-state.ts';
import type { SessionEffect, SessionEvent, SessionState, SessionStep } from './session-state.ts';
import { step } from './session-step.ts';

export interface SessionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly handlers: PeerHandlers;
  /** What we say first; its resources are filtered for this neighbour. */
  readonly hello: Hello;
  /** Who asks, as of now. */
  readonly asker: () => Asker;
}

export interface SessionEvents {
  readonly ready: [Greeting];
  readonly event: [PeerEvent];
  /** Once. */
  readonly end: [SessionEnd];
}

export interface SessionEnd {
  readonly code: number;
  readonly reason: string;
  readonly by: 'us' | 'them';
}

/** Answers that they have not read: with more than this, new requests are `busy`; with the second, the session ends. */
const congestedBytes = 1 << 20;
const mostBufferedBytes = 8 << 20;

export class Session {
  readonly events = new Emitter<SessionEvents>();
  readonly socket: PeerSocket;
  /** By the clock, as `readyAt`. */
  readonly openedAt: number;
  readonly #deps: SessionDeps;
  #state: SessionState;
  readonly #queue: SessionEvent[] = [];
  #running = false;
  #asks = 0;
  readonly #waiting = new Map<number, { settle(outcome: Outcome): void; fail(reason: Error): void }>();
  readonly #working = new Map<number, AbortController>();
  #timer: { readonly at: number; readonly timer: Disposable } | undefined;
  #heardAt: number | undefined;
  #greeting: Greeting | undefined;
  #readyAt = Infinity;
  #end: SessionEnd | undefined;

  /** Says hello. Listeners that are added in the same turn miss nothing. */
  constructor(socket: PeerSocket, label: string, deps: SessionDeps) {
    this.socket = socket;
    this.#deps = deps;
    this.openedAt = deps.clock.now();
    const opened = openSession(socket.id, label, deps.hello, this.openedAt);
    this.#state = opened.state;
    const message = socket.events.on('message', (text) => this.#message(text));
    const close = socket.events.on('close', (code, reason) => this.#apply({ type: 'close', code, reason, by: 'them' }));
    this.events.on('end', () => {
      message[Symbol.dispose]();
      close[Symbol.dispose]();
    });
    this.#perform(opened);
  }

  get id(): DeviceId {
    return this.socket.id;
  }

  /** Undefined until their hello has come. */
  get greeting(): Greeting | undefined {
    return this.#greeting;
  }

  get readyAt(): number {
    return this.#readyAt;
  }

  /** Undefined while it lasts. */
  get end(): SessionEnd | undefined {
    return this.#end;
  }

  /** Wall-clock milliseconds of their last message. */
  get heardAt(): number | undefined {
    return this.#heardAt;
  }

  /** @throws NethoodError of the other side, or `timeout`, `interrupted`, `busy`, `bad-message`; the signal's reason when it aborts */
  async request<T extends PeerRequestType>(type: T, ask: PeerAsk<T>, signal?: AbortSignal): Promise<PeerResult<T>> {
    signal?.throwIfAborted();
    const number = ++this.#asks;
    const outcome = new Promise<Outcome>((settle, fail) => this.#waiting.set(number, { settle, fail }));
    const abort = (): void => {
      this.#apply({ type: 'abandon', ask: number });
      this.#waiting.get(number)?.fail(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const request = { ...ask, type } as unknown as AskedFor;
      this.#apply({ type: 'ask', now: this.#deps.clock.now(), ask: number, request });
      const settled = await outcome;
      if (!settled.ok) throw settled.error;
      // `parseFrame` checked the body by the schema of the request's type.
      return settled.body as PeerResult<T>;
    } finally {
      this.#waiting.delete(number);
      signal?.removeEventListener('abort', abort);
    }
  }

  tell(event: PeerEvent): void {
    if (this.#end === undefined) this.#apply({ type: 'tell', event });
  }

  /** After a sleep: asks at once whether they are still there. */
  woke(): void {
    this.#apply({ type: 'doubted', why: 'woke', now: this.#deps.clock.now() });
  }

  /** Asks whether they are still there, and waits for less long. */
  doubt(): void {
    this.#apply({ type: 'doubted', why: 'rumour', now: this.#deps.clock.now() });
  }

  close(code: number, reason: string): void {
    this.#apply({ type: 'close', code, reason, by: 'us' });
  }

  #message(text: string): void {
    this.#heardAt = this.#deps.clock.wall();
    const frame = parseFrame(text, (id) => this.#state.asks.get(id)?.request.type);
    if (frame.kind === 'malformed') this.#deps.log.debug({ peer: this.id, reason: frame.reason }, 'malformed message');
    const congested = this.socket.bufferedBytes > congestedBytes;
    this.#apply({ type: 'frame', now: this.#deps.clock.now(), frame, congested });
  }

  /** One event after the other: what an effect sets off waits its turn. */
  #apply(event: SessionEvent): void {
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#perform(step(this.#state, next));
      }
    } finally {
      this.#running = false;
    }
  }

  #perform({ state, effects }: SessionStep): void {
    this.#state = state;
    this.#arm();
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: SessionEffect): void {
    switch (effect.type) {
      case 'send':
        return this.#send(effect.frame);
      case 'work':
        return this.#work(effect.request);
      case 'stop':
        return this.#stop(effect.id);
      case 'settle':
        return this.#settle(effect.ask, effect.outcome);
      case 'ready':
        this.#greeting = effect.greeting;
        this.#readyAt = this.#deps.clock.now();
        return this.events.emit('ready', effect.greeting);
      case 'event':
        return this.events.emit('event', effect.event);
      case 'end':
        return this.#ended({ code: effect.code, reason: effect.reason, by: effect.by });
    }
  }

  #ended(end: SessionEnd): void {
    this.#end = end;
    if (end.by === 'us') this.socket.close(end.code, end.reason);
    this.events.emit('end', end);
  }

  #stop(id: number): void {
    this.#working.get(id)?.abort(new NethoodError('cancelled', 'The asker is gone.'));
  }

  #settle(ask: number, outcome: Outcome): void {
    this.#waiting.get(ask)?.settle(outcome);
  }

  #send(frame: Outgoing): void {
    const text = formatFrame(frame);
    if (frame.type === 'result' && Buffer.byteLength(text) > peerLimits.message) {
      const error = new NethoodError('too-large', 'The answer exceeds the limit of one message.');
      return this.#send({ type: 'error', id: frame.id, error });
    }
    this.socket.send(text);
    if (this.socket.bufferedBytes > mostBufferedBytes) this.close(closeCodes.dead, 'does not read');
  }

  #work(request: PeerRequest): void {
    const controller = new AbortController();
    this.#working.set(request.id, controller);
    void answerRequest(this.#deps.handlers, this.#deps.asker(), request, controller.signal).then(
      (body) => this.#worked({ type: 'result', id: request.id, body }),
      (error: unknown) => this.#worked({ type: 'error', id: request.id, error: this.#told(error, request) }),
    );
  }

  #worked(answer: Extract<Outgoing, { type: 'result' | 'error' }>): void {
    this.#working.delete(answer.id);
    this.#apply({ type: 'worked', answer });
  }

  /** A fault of ours is for our log; they learn only that it was one. */
  #told(thrown: unknown, request: PeerRequest): NethoodError {
    const error = toNethoodError(thrown);
    if (error.code !== 'internal') return error;
    if (this.#working.get(request.id)?.signal.aborted !== true) {
      this.#deps.log.error({ peer: this.id, type: request.type, err: thrown }, 'a request failed');
    }
    return new NethoodError('internal', 'The agent failed to answer; its log has the details.');
  }

  /** An early timer is kept, since most deadlines only move away. */
  #arm(): void {
    const at = nextDeadline(this.#state);
    if (this.#timer !== undefined && this.#timer.at <= at && at !== Infinity) return;
    this.#timer?.timer[Symbol.dispose]();
    this.#timer = undefined;
    if (at === Infinity) return;
    const { clock } = this.#deps;
    const timer = clock.timer(Math.max(0, at - clock.now()), () => {
      this.#timer = undefined;
      this.#apply({ type: 'tick', now: clock.now() });
    });
    this.#timer = { at, timer };
  }
}

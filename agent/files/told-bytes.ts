/**
 * Says to whoever puts how much of it is in files, see `mostUntold`, and what we wait for, so that it can tell its user what
 * the limit is: each where it has asked for that.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { OwnLoad } from './own-load.ts';
import { asksForLoad, asksToTell, loadHeader, loadText, mostUntold, toldBytes } from './put-format.ts';

const loadEveryMs = 500;
/**
 * Unless it is we who are waited for, what we wait for is told only where that many bytes have come: nobody is kept from
 * being found to send none, or too slowly, by what we say to it.
 */
const worthTelling = 16 << 10;

export class ToldBytes implements Disposable {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #load: OwnLoad;
  readonly #tells: boolean;
  #untold = 0;
  /** Bytes that were taken and are not in files. */
  #behind = 0;
  #takenSinceTold = 0;
  #timer: Disposable | undefined;

  constructor({ request, response }: { request: IncomingMessage; response: ServerResponse }, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    this.#load = new OwnLoad(clock);
    this.#tells = asks(request, asksToTell);
    if (asks(request, asksForLoad)) this.#later();
  }

  /** They will be `written`, or the request fails. */
  readonly taken = (bytes: number): void => {
    this.#takenSinceTold += bytes;
    this.#turn(bytes);
  };

  readonly written = (bytes: number): void => {
    this.#turn(-bytes);
    if (!this.#tells) return;
    for (this.#untold += bytes; this.#untold >= toldBytes; this.#untold -= toldBytes)
      if (this.#mayTell) this.#response.writeProcessing();
  };

  /** Held back by our user's limit. */
  pacing(wait: Promise<unknown>): Promise<unknown> {
    return this.#load.waiting('setting', wait);
  }

  /** All has come: from now on the disk alone is waited for. */
  allTaken(): void {
    this.taken(Number.POSITIVE_INFINITY);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  /** Who puts has no more than `mostUntold` on its way: where most of that is here, it waits for our disk. */
  #turn(bytes: number): void {
    this.#behind += bytes;
    this.#load.turn('disk', this.#behind >= mostUntold - toldBytes);
  }

  /** It may be over: refused, broken off. */
  get #mayTell(): boolean {
    return !this.#response.headersSent && !this.#response.destroyed;
  }

  /** `writeProcessing` knows no headers. */
  #tell(): void {
    this.#takenSinceTold = 0;
    this.#response.socket?.write(`HTTP/1.1 102 Processing\r\n${loadHeader}: ${loadText(this.#load.now)}\r\n\r\n`);
  }

  #later(): void {
    this.#timer = this.#clock.timer(loadEveryMs, () => {
      if (this.#mayTell && (this.#load.waits || this.#takenSinceTold >= worthTelling)) this.#tell();
      this.#later();
    });
  }
}

function asks({ headers }: IncomingMessage, how: Readonly<Record<string, string>>): boolean {
  return Object.entries(how).every(([name, value]) => headers[name] === value);
}

/** Says to whoever puts how much of it is in files, where it has asked for that: see `mostUntold`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { asksToTell, toldBytes } from './put-format.ts';

export class ToldBytes {
  readonly #response: ServerResponse | undefined;
  #untold = 0;

  constructor({ request, response }: { request: IncomingMessage; response: ServerResponse }) {
    const asked = Object.entries(asksToTell).every(([name, value]) => request.headers[name] === value);
    this.#response = asked ? response : undefined;
  }

  readonly written = (bytes: number): void => {
    for (this.#untold += bytes; this.#untold >= toldBytes; this.#untold -= toldBytes)
      // It may be over: refused, broken off.
      if (this.#response?.headersSent === false) this.#response.writeProcessing();
  };
}

/** A control API of the test's own making: it shows the snapshot that the test sets, and notes what it is asked. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { writeAgentFile } from '../../config/agent-file.ts';
import { type CallName, calls, type EventLine, type Snapshot } from '../../protocol/control.ts';
import { until } from '../office/until.ts';

interface Asked {
  readonly name: string;
  readonly body: unknown;
}

export class ControlStandIn implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** Calls of this name are refused, with this body. */
  readonly refusals = new Map<string, { code: string; message: string }>();
  readonly #token = randomBytes(32).toString('base64url');
  readonly #server: Server;
  readonly #watchers = new Set<ServerResponse>();
  #snapshot: Snapshot;
  #file: AsyncDisposable | undefined;

  private constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(runFolder: string, snapshot: Snapshot): Promise<ControlStandIn> {
    const standIn = new ControlStandIn(snapshot);
    standIn.#server.listen(0, '127.0.0.1');
    await once(standIn.#server, 'listening');
    const { port } = standIn.#server.address() as AddressInfo;
    const content = { pid: process.pid, url: `http://127.0.0.1:${port}`, token: standIn.#token };
    standIn.#file = await writeAgentFile(runFolder, content);
    return standIn;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  change(sections: Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...sections };
    for (const watcher of this.#watchers) sendLine(watcher, { type: 'change', sections });
  }

  /** What a watcher is sent beside the protocol. */
  sendRaw(line: string): void {
    for (const watcher of this.#watchers) watcher.write(`${line}\n`);
  }

  async waitAsked(name: string, times = 1): Promise<Asked> {
    return until(() => this.asked.filter((asked) => asked.name === name)[times - 1], {
      what: () => `call ${times} of ${name} in ${JSON.stringify(this.asked)}`,
      withinMs: 5_000,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => void this.#server.close(resolve));
    await this.#file?.[Symbol.asyncDispose]();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = (request.url ?? '').replace('/v1/', '');
    if (request.headers.authorization !== `Bearer ${this.#token}`)
      return reply(response, 401, { error: { code: 'unauthorized', message: 'No.' } });
    if (name === 'events') {
      this.#watchers.add(response);
      response.on('close', () => this.#watchers.delete(response));
      return sendLine(response, { type: 'snapshot', snapshot: this.#snapshot });
    }
    const body = calls[name as CallName].request.parse(JSON.parse(await text(request)));
    const refusal = this.refusals.get(name);
    this.asked.push({ name, body });
    if (refusal !== undefined) return reply(response, 403, { error: refusal });
    return reply(response, 200, this.#result(name));
  }

  /** The faces' answers must fit their schema; what they say is not looked at by the tray. */
  #result(name: string): unknown {
    const { shares, printers, transfers, jobs } = this.#snapshot;
    const results: Record<string, unknown> = {
      share: shares[0],
      unshare: shares[0],
      'printer-share': printers[0],
      'printer-unshare': printers[0],
      get: transfers[0],
      'transfer-cancel': transfers[0],
      'job-cancel': jobs[0],
    };
    return results[name] ?? {};
  }
}

function sendLine(response: ServerResponse, line: EventLine): void {
  response.write(`${JSON.stringify(line)}\n`);
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { NeighboursService } from '../../agent/peers/neighbours-service.ts';
import type { NeighbourState } from '../../protocol/control.ts';
import { deviceIds, startAgent, type SimAgentOptions } from './agent.ts';
import { SimClock } from './clock.ts';
import { SimLan, type SimHost } from './lan.ts';

export interface SimOfficeOptions {
  readonly agent?: (at: number) => Partial<SimAgentOptions>;
  readonly latencyMs?: () => number;
}

/** Some agents on one LAN. Host 0 has the smallest DeviceId. */
export class SimOffice {
  readonly clock = new SimClock();
  readonly lan: SimLan;
  readonly hosts: SimHost[];
  readonly agents: NeighboursService[] = [];
  readonly #folder: string;
  readonly #options: (at: number) => Partial<SimAgentOptions>;

  constructor(folder: string, count: number, options: SimOfficeOptions = {}) {
    this.#folder = folder;
    this.#options = options.agent ?? (() => ({}));
    this.lan = new SimLan(this.clock, options.latencyMs);
    this.hosts = deviceIds(count).map((id, at) => this.lan.host(id, `10.0.0.${at + 1}`));
  }

  host(at: number): SimHost {
    const host = this.hosts[at];
    if (host === undefined) throw new RangeError(`There is no host ${at}.`);
    return host;
  }

  agent(at: number): NeighboursService {
    const agent = this.agents[at];
    if (agent === undefined) throw new RangeError(`There is no agent ${at}.`);
    return agent;
  }

  async start(at: number): Promise<NeighboursService> {
    const agent = await startAgent(this.host(at), {
      folder: join(this.#folder, String(at)),
      seed: at,
      ...this.#options(at),
    });
    this.agents[at] = agent;
    return agent;
  }

  async startAll(): Promise<void> {
    for (const [at] of this.hosts.entries()) await this.start(at);
    for (const host of this.hosts) host.announce();
  }

  /** The disk is real, and has its own time. */
  async remembers(at: number, whom: number): Promise<void> {
    const path = join(this.#folder, String(at), 'neighbours.json');
    await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toContain(this.host(whom).id), 5_000);
  }

  async restart(at: number): Promise<void> {
    this.host(at).restart();
    await this.start(at);
    this.host(at).announce();
  }

  state(at: number, of: number): NeighbourState | undefined {
    return this.agent(at).get(this.host(of).id)?.state;
  }

  /** Which connections a host has. */
  serials(at: number): number[] {
    return Array.from(this.host(at).sockets, ({ serial }) => serial);
  }

  bothReady(): boolean {
    return this.state(0, 1) === 'ready' && this.state(1, 0) === 'ready';
  }

  readyIn(withinMs: number): Promise<number> {
    return this.clock.until(() => this.bothReady(), withinMs);
  }

  async stop(): Promise<void> {
    for (const agent of this.agents) await agent[Symbol.asyncDispose]();
  }
}

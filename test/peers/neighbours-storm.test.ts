import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { seeded } from '../sim/clock.ts';
import type { SimHost } from '../sim/lan.ts';
import { SimOffice } from '../sim/office.ts';
import { count } from '../office/counts.ts';

let folder: string;
let office: SimOffice;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nethood-storm-'));
});

afterEach(async () => {
  await office.stop();
  // A killed agent's last write may still be under way.
  await rm(folder, { recursive: true, maxRetries: 10 });
});

/** Every agent is ready for every other, over exactly one connection. */
function settled(): boolean {
  return office.hosts.every((host, at) => {
    const { agents } = office;
    return (
      host.sockets.size === agents.length - 1 && agents[at]?.list().every(({ state }) => state === 'ready') === true
    );
  });
}

/** Which connections each host has. */
function serials(): number[][] {
  return office.hosts.map((_, at) => office.serials(at));
}

function connections(host: SimHost): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { id } of host.sockets) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

it('fifty agents that start together end with exactly one session per pair, and keep it', async () => {
  const random = seeded(50);
  office = new SimOffice(folder, 50, { latencyMs: () => Math.ceil(random() * 20) });
  await office.startAll();
  const took = await office.clock.until(settled, 30_000, 50);
  expect(took).toBeLessThan(5_000);
  const before = serials();
  await office.clock.advance(30_000);
  expect(serials()).toEqual(before);
});

it('twenty agents that lost power together find each other from memory, with nothing announced', async () => {
  const random = seeded(20);
  office = new SimOffice(folder, 20, { latencyMs: () => Math.ceil(random() * 20) });
  await office.startAll();
  await office.clock.until(settled, 30_000, 50);
  await office.clock.advance(3_000);
  for (const [at] of office.hosts.entries()) {
    for (const [other] of office.hosts.entries()) if (other !== at) await office.remembers(at, other);
  }
  for (const host of office.hosts) host.powerOff();
  await office.clock.advance(60_000);
  for (const [at, host] of office.hosts.entries()) {
    host.restart();
    await office.start(at);
  }
  await office.clock.until(settled, 5_000, 50);
});

const seeds = count(20, 500);

it.each(Array.from({ length: seeds }, (_, index) => index + 1))(
  'five agents survive whatever happens and settle after it (seed %i)',
  async (seed) => {
    const random = seeded(seed);
    office = new SimOffice(folder, 5, { latencyMs: () => 1 + Math.floor(random() * 300) });
    await office.startAll();
    const pick = (): number => Math.floor(random() * 5);
    for (let turn = 0; turn < 40; turn++) {
      await mishap(pick, random);
      await office.clock.advance(Math.floor(random() ** 3 * 30_000));
    }
    office.lan.heal();
    for (const [at, { running, clock }] of office.hosts.entries()) {
      if (clock.frozen) clock.thaw();
      if (!running) await office.restart(at);
    }
    for (const host of office.hosts) host.announce();
    // Until here a session over an address that is no more may still look alive.
    await office.clock.advance(15_000);
    await office.clock.until(settled, 60_000, 100);
    const before = serials();
    await office.clock.advance(65_000);
    expect(serials()).toEqual(before);
    for (const host of office.hosts) expect(Math.max(...connections(host).values())).toBe(1);
  },
);

async function mishap(pick: () => number, random: () => number): Promise<void> {
  const at = pick();
  const host = office.host(at);
  const other = office.host((at + 1 + Math.floor(random() * 4)) % 5);
  const mishaps: (() => unknown)[] = [
    () => host.kill(),
    () => host.powerOff(),
    () => office.lan.cut(host, other),
    () => office.lan.cutOneWay(host, other),
    () => office.lan.heal(),
    () => host.clock.freeze(),
    () => host.clock.thaw(),
    () => host.announce(),
    () => host.goodbye(),
    () => host.moveTo(`10.0.${Math.floor(random() * 100)}.${at + 1}`),
    () => (host.running ? host.discovery.events.emit('seen', { ...other.sighting(), port: 4_000 }) : undefined),
    () => (host.running ? host.discovery.events.emit('lost', other.id) : undefined),
    () => (host.running ? undefined : office.restart(at)),
    () => (host.running ? undefined : office.restart(at)),
  ];
  await mishaps[Math.floor(random() * mishaps.length)]?.();
}

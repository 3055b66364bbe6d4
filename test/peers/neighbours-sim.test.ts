import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NeighbourState } from '../../protocol/control.ts';
import { SimOffice } from '../sim/office.ts';

let folder: string;
let office: SimOffice;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nethood-peers-'));
});

afterEach(async () => {
  await office.stop();
  await rm(folder, { recursive: true });
});

async function pair(): Promise<void> {
  office = new SimOffice(folder, 2);
  await office.startAll();
  await office.readyIn(100);
}

describe('two agents', () => {
  it('are in session as soon as the smaller has seen the other', async () => {
    await pair();
    expect(office.lan.socketsBetween(office.host(0), office.host(1))).toBe(1);
    expect(office.host(1).transport.dials).toBe(0);
  });

  it('are in session after a second where only the larger sees the other', async () => {
    office = new SimOffice(folder, 2);
    await office.start(0);
    await office.start(1);
    office.host(1).discovery.events.emit('seen', office.host(0).sighting());
    expect(await office.readyIn(2_000)).toBeGreaterThanOrEqual(1_000);
  });

  it('keep the session that the smaller dialled when both dialled at once', async () => {
    office = new SimOffice(folder, 2);
    await office.startAll();
    await office.clock.advance(1);
    const asked = office.agent(1).request(office.host(0).id, 'ping', {});
    await office.readyIn(1_000);
    await office.clock.advance(100);
    await expect(asked).resolves.toEqual({});
    expect(office.lan.socketsBetween(office.host(0), office.host(1))).toBe(1);
    expect(Array.from(office.host(0).sockets, ({ dialled }) => dialled)).toEqual([true]);
    expect([office.host(0).transport.dials, office.host(1).transport.dials]).toEqual([1, 1]);
  });
});

describe('a neighbour that dies', () => {
  it('is gone at once when its process is killed', async () => {
    await pair();
    await office.clock.advance(40_000);
    office.host(1).kill();
    expect(await office.clock.until(() => office.state(0, 1) === 'gone', 15_000)).toBeLessThan(100);
  });

  it('is gone after a second for the larger, who dials second', async () => {
    await pair();
    await office.clock.advance(40_000);
    office.host(0).kill();
    expect(await office.clock.until(() => office.state(1, 0) === 'gone', 15_000)).toBeLessThan(1_500);
  });

  it('is gone within 15 s when its plug is pulled, whenever that is', async () => {
    for (const [dead, left] of [
      [0, 1],
      [1, 0],
    ] as const) {
      for (const afterMs of [0, 1_700, 4_990, 5_003, 9_400]) {
        office = new SimOffice(join(folder, `${dead} ${afterMs}`), 2);
        await office.startAll();
        await office.readyIn(100);
        await office.clock.advance(afterMs);
        office.host(dead).powerOff();
        await office.clock.until(() => office.state(left, dead) === 'gone', 15_000);
        await office.stop();
      }
    }
  });

  it('is gone within 15 s on both sides of a cut cable, and ready soon after it is mended', async () => {
    await pair();
    await office.clock.advance(33_333);
    office.lan.cut(office.host(0), office.host(1));
    await office.clock.until(() => office.state(0, 1) === 'gone' && office.state(1, 0) === 'gone', 15_000);
    await office.clock.advance(60_000);
    office.lan.heal();
    await office.readyIn(61_000);
    expect(office.lan.socketsBetween(office.host(0), office.host(1))).toBe(1);
  });

  it('is noticed within 15 s by both where only one direction is cut', async () => {
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const) {
      office = new SimOffice(join(folder, `${from}`), 2);
      await office.startAll();
      await office.readyIn(100);
      await office.clock.advance(7_000);
      office.lan.cutOneWay(office.host(from), office.host(to));
      await office.clock.until(() => office.state(0, 1) === 'gone' && office.state(1, 0) === 'gone', 15_000);
      await office.stop();
    }
  });

  it('that said goodbye is gone at once and comes back by itself', async () => {
    await pair();
    await office.clock.advance(40_000);
    await office.agent(1)[Symbol.asyncDispose]();
    office.host(1).kill();
    await office.clock.advance(10);
    expect(office.state(0, 1)).toBe('gone');
    await office.restart(1);
    await office.readyIn(1_500);
  });

  it.each([0, 1])('comes back in a new life at once although nobody announces it (host %i)', async (at) => {
    await pair();
    await office.clock.advance(40_000);
    await office.remembers(at, 1 - at);
    office.host(at).kill();
    await office.clock.advance(20_000);
    office.host(at).restart();
    await office.start(at);
    expect(await office.readyIn(300)).toBeLessThanOrEqual(300);
  });

  it('replaces its old session at once in a new life, even where the old one seems alive', async () => {
    await pair();
    await office.clock.advance(40_000);
    const states: (NeighbourState | undefined)[] = [];
    office.agent(0).events.on('changed', ({ state }) => states.push(state));
    office.host(1).powerOff();
    office.host(1).restart();
    await office.start(1);
    office.host(0).announce();
    await office.clock.until(() => office.state(1, 0) === 'ready', 1_500);
    await office.clock.advance(20);
    expect(office.lan.socketsBetween(office.host(0), office.host(1))).toBe(1);
    expect(states).not.toContain('gone');
    expect(states).not.toContain('found');
  });

  it('with another address is found there within 10 s after it said so', async () => {
    await pair();
    await office.clock.advance(40_000);
    office.host(1).moveTo('10.0.0.99');
    office.host(1).announce();
    await office.clock.until(() => office.state(0, 1) === 'gone', 15_000);
    await office.readyIn(10_000);
    expect(office.agent(0).get(office.host(1).id)?.addresses[0]).toEqual({ address: '10.0.0.99' });
  });
});

describe('an agent with another address', () => {
  it.each([0, 1])('is in session from there at once although nobody was told (host %i)', async (at) => {
    await pair();
    await office.clock.advance(40_000);
    office.host(at).moveTo('10.0.0.99');
    office.agent(at).readdressed((local) => local === '10.0.0.99');
    const known = (): unknown => office.agent(1 - at).get(office.host(at).id)?.addresses[0];
    await office.clock.until(() => office.bothReady() && known() !== undefined, 100);
    expect(known()).toEqual({ address: '10.0.0.99' });
    await office.clock.advance(60_000);
    expect(office.bothReady()).toBe(true);
    expect(office.lan.socketsBetween(office.host(0), office.host(1))).toBe(1);
  });

  it.each([0, 1])('who cannot call is called there within 6 s after it said so (host %i)', async (at) => {
    await pair();
    await office.clock.advance(40_000);
    office.host(at).moveTo('10.0.0.99');
    office.host(at).announce();
    await office.clock.until(() => office.state(1 - at, at) !== 'ready', 4_000);
    await office.clock.until(() => office.state(1 - at, at) === 'ready', 1_400);
    expect(office.agent(1 - at).get(office.host(at).id)?.addresses[0]).toEqual({ address: '10.0.0.99' });
  });

  it('keeps the sessions of its other addresses', async () => {
    await pair();
    const before = office.serials(0);
    office.agent(0).readdressed((local) => local === '10.0.0.1');
    await office.clock.advance(60_000);
    expect(office.serials(0)).toEqual(before);
  });
});

describe('an agent that slept', () => {
  it.each([0, 1])('finds its neighbour alive where that kept waiting (host %i)', async (sleeper) => {
    await pair();
    const before = office.serials(0);
    await office.clock.advance(7_000);
    // Its last word is younger than the last that it read: it may take the other for dead, not the other it.
    office.agent(sleeper).rename('still here');
    await office.clock.advance(2);
    office.host(sleeper).clock.freeze();
    await office.clock.advance(13_900);
    office.host(sleeper).clock.thaw();
    await office.clock.advance(20_000);
    expect(office.bothReady()).toBe(true);
    expect(office.serials(0)).toEqual(before);
  });

  it.each([0, 1])('is ready within 10 s after ten minutes (host %i)', async (sleeper) => {
    await pair();
    await office.clock.advance(7_000);
    office.host(sleeper).clock.freeze();
    await office.clock.advance(600_000);
    expect(office.state(1 - sleeper, sleeper)).toBe('gone');
    office.host(sleeper).clock.thaw();
    await office.readyIn(10_000);
  });

  it('asks at once who is there when the wall clock ran ahead', async () => {
    await pair();
    await office.clock.advance(20_000);
    office.host(1).powerOff();
    office.clock.setWall(600_000);
    await office.clock.until(() => office.state(0, 1) === 'gone', 14_500);
  });

  it('keeps its sessions when somebody sets the clock', async () => {
    await pair();
    const before = office.serials(0);
    for (const jump of [86_400_000, -86_400_000, 3.15e11, -3.15e11]) {
      office.clock.setWall(jump);
      await office.clock.advance(30_000);
    }
    expect(office.serials(0)).toEqual(before);
  });
});

describe('a rumour', () => {
  it('of a goodbye drops nobody who is in session', async () => {
    await pair();
    const states: (NeighbourState | undefined)[] = [];
    office.agent(0).events.on('changed', ({ state }) => states.push(state));
    office.host(0).discovery.events.emit('lost', office.host(1).id);
    await office.clock.advance(60_000);
    expect(office.bothReady()).toBe(true);
    expect(states).toEqual([]);
  });

  it('of another address, port and name changes nothing but where to look next time', async () => {
    await pair();
    const connections = office.serials(0);
    const before = office.agent(0).get(office.host(1).id);
    office.host(0).discovery.events.emit('seen', {
      id: office.host(1).id,
      name: 'somebody else',
      port: 2222,
      addresses: [{ address: '10.0.0.66' }],
    });
    await office.clock.advance(30_000);
    const after = office.agent(0).get(office.host(1).id);
    expect(after).toMatchObject({ name: before?.name, port: before?.port, state: 'ready' });
    expect(after?.addresses).toEqual([{ address: '10.0.0.2' }, { address: '10.0.0.66' }]);
    expect(office.serials(0)).toEqual(connections);
  });

  it('that it left, again and again, ends no session', async () => {
    await pair();
    const connections = office.serials(0);
    for (let round = 0; round < 100; round++) {
      for (const address of ['10.0.0.66', office.host(1).address])
        office.host(0).discovery.events.emit('seen', { ...office.host(1).sighting(), addresses: [{ address }] });
      await office.clock.advance(333);
    }
    expect(office.serials(0)).toEqual(connections);
    expect(office.bothReady()).toBe(true);
  });

  it('about somebody unseen leads to found, a dial, and gone', async () => {
    office = new SimOffice(folder, 2);
    await office.start(0);
    const states: (NeighbourState | undefined)[] = [];
    office.agent(0).events.on('changed', ({ state }) => states.push(state));
    office.host(1).running = false;
    office.host(0).discovery.events.emit('seen', office.host(1).sighting());
    await office.clock.advance(100);
    expect(states).toEqual(['connecting', 'gone']);
    expect(office.host(0).discovery.reconfirmed).toEqual([office.host(1).id]);
  });

  it('that points at this host itself, at groups or at low ports is not followed', async () => {
    office = new SimOffice(folder, 2);
    await office.start(0);
    const { id } = office.host(1);
    for (const address of ['127.0.0.1', '169.254.169.254', '224.0.0.251', '255.255.255.255', '::1', 'ff02::fb', 'x']) {
      office.host(0).discovery.events.emit('seen', { id, name: 'x', port: 6631, addresses: [{ address }] });
    }
    office.host(0).discovery.events.emit('seen', { id, name: 'x', port: 22, addresses: [{ address: '10.0.0.2' }] });
    await office.clock.advance(5_000);
    expect(office.host(0).transport.dials).toBe(0);
    expect(office.agent(0).list()).toEqual([]);
  });
});

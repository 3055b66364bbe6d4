import { describe, expect, test } from 'vitest';
import type { DnsRecord } from '../../agent/discovery/dns-types.ts';
import { seeded, SimClock } from '../sim/clock.ts';
import { card, MdnsLan, SimMdnsAgent } from '../sim/mdns-lan.ts';
import { agentOn, idOf, instanceRecords, response } from './engine-support.ts';

function office(): { clock: SimClock; lan: MdnsLan } {
  const clock = new SimClock();
  return { clock, lan: new MdnsLan(clock, { random: seeded(1) }) };
}

function isOfSecondLan({ data }: DnsRecord): boolean {
  return 'address' in data && ['10.1.0.1', 'fe80::2'].includes(data.address);
}

describe('two agents on one LAN', () => {
  test('find each other within 1.1 s of publishing, and a third within 150 ms of starting, in the median', async () => {
    const { clock, lan } = office();
    const publish: number[] = [];
    const browse: number[] = [];
    for (let run = 0; run < 11; run++) {
      const first = agentOn(lan, 10 + run * 3);
      const second = agentOn(lan, 11 + run * 3);
      await clock.advance(5_000);
      void first.announce();
      publish.push(await clock.until(() => second.seen.has(first.id), 2_000, 1));
      await clock.advance(10_000);
      const third = agentOn(lan, 12 + run * 3);
      browse.push(await clock.until(() => third.seen.has(first.id), 2_000, 1));
      await Promise.all([first, second, third].map(({ engine }) => engine[Symbol.asyncDispose]()));
      await clock.advance(5_000);
    }
    expect(publish.toSorted((a, b) => a - b)[5]).toBeLessThanOrEqual(1_100);
    expect(browse.toSorted((a, b) => a - b)[5]).toBeLessThanOrEqual(150);
  });

  test('ask at once where the program took long to load; a card that comes up later is waited on in full', async () => {
    const { clock, lan } = office();
    await clock.advance(1_000);
    const loaded = agentOn(lan, 1, 'Loaded', { began: clock.now() - 300 });
    const first = await clock.until(() => lan.captured.length > 0, 1_000, 1);
    expect(first).toBeLessThanOrEqual(2);
    loaded.cards.change([card('eth0', '10.0.0.1'), card('eth1', '10.0.0.9')]);
    const ofSecond = (): boolean => lan.captured.some(({ from }) => from === '10.0.0.9');
    const second = await clock.until(ofSecond, 1_000, 1);
    expect(second).toBeGreaterThanOrEqual(20);
    expect(second).toBeLessThanOrEqual(125);
  });

  test('tell name, port and address; announce is kept once that is said', async () => {
    const { clock, lan } = office();
    const first = agentOn(lan, 1, 'Dr. A. Müller');
    const second = agentOn(lan, 2);
    let announced = false;
    void first.announce(6641).then(() => (announced = true));
    await clock.until(() => second.seen.has(first.id) && announced, 2_000);
    expect(second.seen.get(first.id)).toEqual({
      id: first.id,
      name: 'Dr. A. Müller',
      port: 6641,
      addresses: [{ address: '10.0.0.1' }],
    });
    expect(first.seen.size).toBe(0);
  });

  test('lose each other within 1.1 s of a goodbye', async () => {
    const { clock, lan } = office();
    const [first, second] = [agentOn(lan, 1), agentOn(lan, 2)];
    void first.announce();
    await clock.until(() => second.seen.has(first.id), 2_000);
    await first.engine[Symbol.asyncDispose]();
    expect(await clock.until(() => !second.seen.has(first.id), 2_000)).toBeLessThanOrEqual(1_100);
  });

  test('hear of another text at once, without looking gone', async () => {
    const { clock, lan } = office();
    const [first, second] = [agentOn(lan, 1), agentOn(lan, 2)];
    void first.announce(6631);
    await clock.until(() => second.seen.has(first.id), 2_000);
    void first.announce(6641);
    await clock.until(() => second.seen.get(first.id)?.port === 6641, 1_100);
    expect(second.told.every((told) => typeof told !== 'string')).toBe(true);
  });

  test('find each other on a LAN that loses a third of all packets', async () => {
    const clock = new SimClock();
    const lan = new MdnsLan(clock, { random: seeded(7), loss: 0.33 });
    const agents = [1, 2, 3, 4, 5].map((n) => agentOn(lan, n));
    for (const agent of agents) void agent.announce();
    await clock.until(() => agents.every(({ seen }) => seen.size === 4), 20_000, 100);
  });
});

describe('names', () => {
  test('of two that want the same, one gets a number, and both are found; it comes back under it', async () => {
    const { clock, lan } = office();
    const [first, second, third] = [agentOn(lan, 1, "Anna's PC"), agentOn(lan, 2, "Anna's PC"), agentOn(lan, 3)];
    void first.announce();
    void second.announce();
    await clock.until(() => third.seen.size === 2, 5_000);
    await clock.advance(3_000);
    const names = [first, second].map(({ engine }) => engine.announcedName("Anna's PC"));
    expect(names.toSorted()).toEqual(["Anna's PC", "Anna's PC (2)"]);
    const renamed = names[0] === "Anna's PC" ? second : first;
    expect(renamed.memory.instances).toEqual({ "Anna's PC": 2 });
    await renamed.engine[Symbol.asyncDispose]();
    await clock.advance(5_000);
    const again = new SimMdnsAgent({
      id: renamed.id,
      name: "Anna's PC",
      cards: renamed.cards.cards,
      lanOf: () => lan,
      seed: 99,
      memory: renamed.memory,
    });
    void again.announce();
    await clock.advance(2_000);
    expect(again.engine.announcedName("Anna's PC")).toBe("Anna's PC (2)");
  });

  test('of a host are exchanged too where another has them, and who wants to know is told', async () => {
    const { clock, lan } = office();
    const [first, second] = [agentOn(lan, 1), agentOn(lan, 2)];
    const renames: string[] = [];
    first.engine.renames.on('renamed', () => renames.push(first.engine.hostName));
    const host = first.engine.hostName.replace('.local', '');
    const theirs: DnsRecord = {
      name: [host, 'local'],
      ttl: 120,
      flush: true,
      data: { type: 'A', address: '10.0.0.66' },
    };
    void first.announce();
    // Whoever has it answers each probe (RFC 6762 8.1).
    for (let n = 0; n < 20; n++) {
      lan.inject(response([theirs]), '10.0.0.66');
      await clock.advance(100);
    }
    await clock.until(() => second.seen.has(first.id), 2_000);
    expect(renames).toEqual([`${host}-2.local`]);
    expect(first.memory.host).toBe(2);
    expect(second.addressesOf(first)).toEqual(['10.0.0.1']);
    const targets = lan.captured
      .flatMap(({ message }) => message?.answers ?? [])
      .flatMap(({ data }) => (data.type === 'SRV' ? [data.target.join('.')] : []));
    expect(new Set(targets)).toEqual(new Set([`${host}-2.local`]));
  });

  test('a conflict on one of two LANs changes the name on both', async () => {
    const clock = new SimClock();
    const [one, two] = [new MdnsLan(clock), new MdnsLan(clock)];
    const both = new SimMdnsAgent({
      id: idOf(1),
      name: 'PC',
      cards: [card('eth0', '10.0.0.1'), card('eth1', '10.1.0.1')],
      lanOf: (name) => (name === 'eth0' ? one : two),
      seed: 1,
    });
    const rival = new SimMdnsAgent({
      id: idOf(2),
      name: 'PC',
      cards: [card('eth0', '10.1.0.2')],
      lanOf: () => two,
      seed: 2,
    });
    void rival.announce();
    await clock.advance(3_000);
    const other = new SimMdnsAgent({
      id: idOf(3),
      name: 'Other',
      cards: [card('eth0', '10.0.0.3')],
      lanOf: () => one,
      seed: 3,
    });
    void both.announce();
    await clock.advance(4_000);
    expect(both.engine.announcedName('PC')).toBe('PC (2)');
    expect(rival.engine.announcedName('PC')).toBe('PC');
    const names = one.captured
      .filter(({ message, from }) => message?.response === true && from === '10.0.0.1')
      .flatMap(({ message }) => message?.answers ?? [])
      .filter(({ ttl, data }) => ttl > 0 && data.type === 'SRV')
      .map(({ name }) => name[0]);
    expect(names.at(-1)).toBe('PC (2)');
    expect(other.seen.has(both.id)).toBe(true);
  });
});

describe('cards', () => {
  test('on two LANs tell each LAN its own addresses alone, and both see the agent', async () => {
    const clock = new SimClock();
    const [one, two] = [new MdnsLan(clock), new MdnsLan(clock)];
    const lanOf = (name: string): MdnsLan => (name === 'eth0' ? one : two);
    const both = new SimMdnsAgent({
      id: idOf(1),
      name: 'Both',
      cards: [card('eth0', '10.0.0.1', 'fe80::1'), card('eth1', '10.1.0.1', 'fe80::2')],
      lanOf,
      seed: 1,
    });
    const left = agentOn(one, 2);
    const right = new SimMdnsAgent({
      id: idOf(3),
      name: 'Right',
      cards: [card('eth0', '10.1.0.3')],
      lanOf: () => two,
      seed: 3,
    });
    for (const agent of [both, left, right]) void agent.announce();
    await clock.until(() => left.seen.has(both.id) && right.seen.has(both.id) && both.seen.size === 2, 3_000);
    expect(left.addressesOf(both)).toEqual(['10.0.0.1', 'fe80::1%eth0']);
    expect(right.addressesOf(both)).toEqual(['10.1.0.1', 'fe80::2%eth0']);
    for (const { message } of one.captured)
      for (const section of [message?.answers, message?.additionals, message?.authorities])
        expect(section?.some(isOfSecondLan)).toBe(false);
    expect(left.seen.has(right.id)).toBe(false);
  });

  test('with another address are told right within 1.1 s, and the old one is forgotten', async () => {
    const { clock, lan } = office();
    const [first, second] = [agentOn(lan, 1), agentOn(lan, 2)];
    void first.announce();
    await clock.until(() => second.seen.has(first.id), 2_000);
    await clock.advance(10_000);
    first.cards.change([card('eth0', '10.0.0.101')]);
    await clock.until(() => second.addressesOf(first)?.join() === '10.0.0.101', 1_100);
    expect(second.told.some((told) => typeof told === 'string')).toBe(false);
  });

  test('that changed make nobody ask for our own instance, whose silence others would take for its end', async () => {
    const { clock, lan } = office();
    const [first, second] = [agentOn(lan, 1), agentOn(lan, 2)];
    void first.announce();
    await clock.until(() => second.seen.has(first.id), 2_000);
    await clock.advance(10_000);
    lan.captured.length = 0;
    first.cards.change([card('eth0', '10.0.0.101')]);
    await clock.advance(20_000);
    const asked = lan.captured.flatMap(({ message }) => message?.questions ?? []).map(({ name }) => name.join('.'));
    expect(new Set(asked)).toEqual(new Set(['_nethood._tcp.local']));
    expect(second.told).not.toContain(first.id);
  });

  test('without an address for a moment, between two, do not look gone', async () => {
    const { clock, lan } = office();
    const [first, second] = [1, 2].map(
      (n) =>
        new SimMdnsAgent({
          id: idOf(n),
          name: `PC ${n}`,
          cards: [card('eth0', `10.0.0.${n}`, `fe80::${n}`)],
          lanOf: () => lan,
          seed: n,
        }),
    );
    if (first === undefined || second === undefined) throw new Error('unreachable');
    void first.announce();
    await clock.until(() => second.seen.has(first.id), 2_000);
    await clock.advance(5_000);
    for (let change = 1; change <= 5; change++) {
      first.cards.change([card('eth0', 'fe80::1')]);
      await clock.advance(100);
      first.cards.change([card('eth0', `10.0.0.${100 + change}`, 'fe80::1')]);
      await clock.until(() => second.addressesOf(first)?.join() === `10.0.0.${100 + change},fe80::1%eth0`, 500);
      await clock.advance(3_000);
    }
    expect(second.told.some((told) => typeof told === 'string')).toBe(false);
  });

  test('that go lose what was heard there; that come back find it again', async () => {
    const { clock, lan } = office();
    const [first, second] = [agentOn(lan, 1), agentOn(lan, 2)];
    void first.announce();
    void second.announce();
    await clock.until(() => first.seen.size === 1 && second.seen.size === 1, 2_000);
    first.cards.change([]);
    await clock.until(() => first.seen.size === 0, 1_000);
    expect(first.engine.problem).toMatch(/No network card/);
    await clock.advance(60_000);
    first.cards.change([card('eth0', '10.0.0.1')]);
    await clock.until(() => first.seen.size === 1, 500);
    expect(first.engine.problem).toBeUndefined();
  });

  test('with a link-local address of IPv6 alone are enough', async () => {
    const { clock, lan } = office();
    const agents = [1, 2].map(
      (n) =>
        new SimMdnsAgent({
          id: idOf(n),
          name: `PC ${n}`,
          cards: [card('eth0', `fe80::${n}`)],
          lanOf: () => lan,
          seed: n,
        }),
    );
    for (const agent of agents) void agent.announce();
    await clock.until(() => agents.every(({ seen }) => seen.size === 1), 2_000);
    expect(agents[0]?.seen.get(idOf(2))?.addresses).toEqual([{ address: 'fe80::2', zone: 'eth0' }]);
  });

  test('of one PC carry several agents, also where loopback is all there is', async () => {
    for (const only of [card('eth0', '10.0.0.1'), card('lo', '127.0.0.1', '::1')]) {
      const { clock, lan } = office();
      const agents = [1, 2, 3].map(
        (n) => new SimMdnsAgent({ id: idOf(n), name: `User ${n}`, cards: [only], lanOf: () => lan, seed: n }),
      );
      for (const agent of agents) void agent.announce();
      await clock.until(() => agents.every(({ seen }) => seen.size === 2), 2_000);
      // Started later, it has to be answered.
      const late = new SimMdnsAgent({ id: idOf(4), name: 'User 4', cards: [only], lanOf: () => lan, seed: 4 });
      await clock.until(() => late.seen.size === 3, 1_000);
    }
  });
});

test('after a sleep others are asked for, and what changed meanwhile is right within a second', async () => {
  const { clock, lan } = office();
  const [first, second] = [agentOn(lan, 1), agentOn(lan, 2)];
  void first.announce();
  void second.announce();
  await clock.until(() => second.seen.has(first.id), 2_000);
  lan.cut('10.0.0.2');
  await first.engine[Symbol.asyncDispose]();
  const third = agentOn(lan, 3);
  void third.announce();
  await clock.advance(600_000);
  lan.heal('10.0.0.2');
  second.cards.events.emit('woke');
  await clock.until(() => second.seen.has(third.id), 1_000);
  await clock.until(() => third.seen.has(second.id), 2_000);
  await clock.until(() => !second.seen.has(first.id), 15_000);
});

test('a foreign service of our type without our text is no neighbour', async () => {
  const { clock, lan } = office();
  const agent = agentOn(lan, 1);
  await clock.advance(100);
  lan.inject(
    response(instanceRecords({ label: 'x', host: 'x', port: 1, id: 'nonsense', address: '10.0.0.9' })),
    '10.0.0.9',
  );
  await clock.advance(1_000);
  expect(agent.seen.size).toBe(0);
});

test('what was opened is closed, and no timer stays', async () => {
  const { clock, lan } = office();
  const agent = agentOn(lan, 1);
  void agent.announce();
  await clock.advance(3_000);
  await agent.engine[Symbol.asyncDispose]();
  await agent.engine[Symbol.asyncDispose]();
  // The goodbye is still on its way.
  await clock.advance(10);
  expect(clock.pendingTimers).toBe(0);
});

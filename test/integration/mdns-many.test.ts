/** What takes too long for the unit suite: hundreds of agents, and a hundred thousand forged ones. In memory. */
import { expect, test } from 'vitest';
import { agentOn, forgeInstances, heapUsed, say } from '../discovery/engine-support.ts';
import { count } from '../office/counts.ts';
import { seeded, SimClock } from '../sim/clock.ts';
import { MdnsLan } from '../sim/mdns-lan.ts';
import { storm, stormRow } from '../sim/mdns-storm.ts';

/** Each hears all others: what 500 take is for the long run. */
const long = process.env['NETHOOD_TEST_LONG'] === '1';
const offices = [
  { agents: 50, isAlone: false },
  { agents: 50, isAlone: true },
  ...(long
    ? [
        { agents: 200, isAlone: false },
        { agents: 200, isAlone: true },
        { agents: 500, isAlone: false },
      ]
    : []),
];
/** A thousand each. */
const forgedRounds = count(10, 100);

test.for(offices)(
  '$agents agents that start within 10 s find each other, with few packets (alone on the port: $isAlone)',
  { timeout: 900_000 },
  async ({ agents, isAlone }) => {
    const options = { agents, seed: agents, startWithinMs: 10_000, steadyForMs: 120_000, sessions: 200, isAlone };
    const result = await storm(options);
    say(stormRow(result));
    expect(result.allSeenMs).toBeLessThanOrEqual(3_000);
    expect(result.peakPackets).toBeLessThan(500);
    expect(result.peakBytes).toBeLessThan(300_000);
    expect(result.steadyPackets).toBeLessThan(agents / 10);
  },
);

test('forged instances by the thousand take bounded memory and time, and the neighbour in session stays', async () => {
  const clock = new SimClock();
  const lan = new MdnsLan(clock, { random: seeded(5) });
  const [us, them] = [agentOn(lan, 1, 'Us'), agentOn(lan, 2, 'Them')];
  void us.announce();
  void them.announce();
  await clock.until(() => us.seen.has(them.id) && them.seen.has(us.id), 3_000);
  us.held.add(them.id);
  await clock.advance(5_000);
  const before = heapUsed();
  const began = process.cpuUsage();
  let lost = 0;
  us.engine.events.on('lost', (id) => (lost += Number(id === them.id)));
  for (let round = 0; round < forgedRounds; round++) {
    await forgeInstances(lan, { count: 1_000, first: round * 1_000 });
    us.told.length = 0;
    them.told.length = 0;
  }
  await clock.advance(5_000);
  const { user, system } = process.cpuUsage(began);
  const grown = (heapUsed() - before) / 2;
  const perPacket = ((user + system) / (2_000 * forgedRounds)).toFixed(0);
  say(
    `${forgedRounds},000 forged instances: ${perPacket} µs CPU a packet, heap +${(grown / 1e6).toFixed(1)} MB an agent`,
  );
  expect(lost).toBe(0);
  expect(us.seen.has(them.id)).toBe(true);
  expect(us.seen.size).toBeLessThanOrEqual(1_000);
  expect(grown).toBeLessThan(20e6);
});

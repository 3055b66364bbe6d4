import { describe, expect, test } from 'vitest';
import { encodeMessage } from '../../agent/discovery/dns-encode.ts';
import { recordTypes } from '../../agent/discovery/dns-types.ts';
import { seeded, SimClock } from '../sim/clock.ts';
import { MdnsLan, type SimMdnsAgent } from '../sim/mdns-lan.ts';
import {
  agentOn,
  agentType,
  forgeInstances,
  idOf,
  instanceRecords,
  noMessage,
  response,
  say,
} from './engine-support.ts';

/** Two who hold a session, as far as discovery knows. */
async function neighbours(): Promise<{ clock: SimClock; lan: MdnsLan; us: SimMdnsAgent; them: SimMdnsAgent }> {
  const clock = new SimClock();
  const lan = new MdnsLan(clock, { random: seeded(5) });
  const [us, them] = [agentOn(lan, 1, 'Us'), agentOn(lan, 2, 'Them')];
  void us.announce();
  void them.announce();
  await clock.until(() => us.seen.has(them.id) && them.seen.has(us.id), 3_000);
  us.held.add(them.id);
  them.held.add(us.id);
  await clock.advance(5_000);
  return { clock, lan, us, them };
}

describe('somebody hostile', () => {
  test('forges thousands of instances: those of one address are few, all together bounded', async () => {
    const { clock, lan, us, them } = await neighbours();
    await forgeInstances(lan, { count: 5_000, first: 0, from: '10.0.0.66' });
    expect(us.seen.size).toBeLessThanOrEqual(65);
    await forgeInstances(lan, { count: 5_000, first: 5_000 });
    await clock.advance(1_000);
    expect(us.seen.size).toBeLessThanOrEqual(1_000);
    expect(us.seen.has(them.id)).toBe(true);
    expect(us.told).not.toContain(them.id);
  });

  test('says goodbye for a connected neighbour: it contradicts, and is never lost', async () => {
    const { clock, lan, us, them } = await neighbours();
    const forged = instanceRecords({
      label: 'Them',
      host: `nh-${them.id.slice(0, 8)}`,
      port: 6631,
      id: them.id,
      address: '10.0.0.2',
      ttl: 0,
    });
    for (let n = 0; n < 20; n++) {
      lan.inject(response(forged), '10.0.0.66');
      await clock.advance(700);
    }
    await clock.advance(5_000);
    expect(us.told.filter((told) => told === them.id)).toEqual([]);
    expect(us.addressesOf(them)).toContain('10.0.0.2');
  });

  test('forges addresses and ports of a connected neighbour: its own are told to the end', async () => {
    const { clock, lan, us, them } = await neighbours();
    const forged = instanceRecords({
      label: 'Them',
      host: `nh-${them.id.slice(0, 8)}`,
      port: 666,
      id: them.id,
      address: '10.0.0.66',
    });
    for (let n = 0; n < 10; n++) {
      lan.inject(response(forged), '10.0.0.66');
      await clock.advance(500);
    }
    await clock.advance(10_000);
    expect(us.seen.get(them.id)?.port).toBe(6631);
    expect(us.addressesOf(them)).toContain('10.0.0.2');
  });

  test('announces another instance with the id of a connected neighbour: its port is not believed', async () => {
    const { clock, lan, us, them } = await neighbours();
    lan.inject(
      response(instanceRecords({ label: 'Liar', host: 'liar', port: 666, id: them.id, address: '10.0.0.66' })),
      '10.0.0.66',
    );
    await clock.advance(5_000);
    expect(us.seen.get(them.id)).toMatchObject({ port: 6631, name: 'Them', addresses: [{ address: '10.0.0.2' }] });
  });

  test('probes and claims every name of ours for ever: at most ten renames an hour', async () => {
    const { clock, lan, us } = await neighbours();
    const names = new Set<string>();
    const host = { host: 'rival', port: 1, id: idOf('rival'), address: '10.0.0.66' };
    for (let n = 0; n < 3_600; n++) {
      const label = us.engine.announcedName('Us');
      names.add(label);
      lan.inject(response(instanceRecords({ ...host, label })), '10.0.0.66');
      const question = { name: [label, ...agentType], type: recordTypes.ANY, unicast: false };
      const authorities = instanceRecords({ ...host, label }).slice(1, 2);
      lan.inject(encodeMessage({ ...noMessage, response: false, questions: [question], authorities }), '10.0.0.66');
      await clock.advance(1_000);
    }
    expect(names.size).toBeLessThanOrEqual(11);
    const ours = lan.captured.filter(({ from }) => from === '10.0.0.1').length;
    say(`an hour of claims: ${names.size} names, ${ours} packets of ours against 7,200`);
    expect(ours).toBeLessThan(10_000);
    lan.captured.length = 0;
    // And once it is over, we are there again.
    await clock.advance(180_000);
    const late = agentOn(lan, 3);
    await clock.until(() => late.seen.has(us.id), 5_000);
  });

  test('sends noise of all kinds: nothing is thrown, nobody is lost', async () => {
    const { clock, lan, us, them } = await neighbours();
    const random = seeded(3);
    const real = lan.captured.map(({ bytes }) => bytes);
    for (let n = 0; n < 5_000; n++) {
      const bytes = Uint8Array.from(real[Math.floor(random() * real.length)] ?? []);
      for (let change = 0; change < 3; change++)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      lan.inject(bytes.subarray(0, Math.floor(random() * (bytes.length + 1))), '10.0.0.66');
      if (n % 50 === 0) await clock.advance(20);
    }
    await clock.advance(20_000);
    expect(us.seen.has(them.id)).toBe(true);
    expect(them.seen.has(us.id)).toBe(true);
  });
});

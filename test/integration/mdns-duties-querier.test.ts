// needs: namespaces mdns
/** What a querier must do (RFC 6762), by the packets that really leave it, and by what it makes of a stranger's. */
import { test } from 'vitest';
import type { DnsRecord } from '../../agent/discovery/dns-types.ts';
import { recordTypes } from '../../agent/discovery/dns-types.ts';
import { agentType, idOf, instanceRecords, noMessage } from '../discovery/engine-support.ts';
import type { Captured } from '../office/mdns-capture.ts';
import { announce, loses, sees, startAgent, toldAt } from './mdns-support.ts';
import { announces, instanceOf, isOf, Wire } from './mdns-wire.ts';

const answer = (answers: readonly DnsRecord[]): typeof noMessage => ({ ...noMessage, answers });

function strangersRecords(label: string, more: { ttl?: number; address?: string } = {}): DnsRecord[] {
  return instanceRecords({
    label,
    host: `host-${label}`,
    port: 7_001,
    id: idOf(label),
    address: '10.77.0.2',
    ...more,
  });
}

function asksForType({ message }: Captured): boolean {
  return message.questions.some(({ name, type }) => type === recordTypes.PTR && name.join() === agentType.join());
}

function asksAbout(name: readonly string[], type: keyof typeof recordTypes): (packet: Captured) => boolean {
  return ({ message }) =>
    message.questions.some((one) => one.type === recordTypes[type] && one.name.join() === name.join());
}

test.concurrent('on the wire: questions go out again after 1, 2 and 4 s, and name the answers that are known', async ({
  expect,
}) => {
  await using wire = await Wire.open();
  const ours = await startAgent(wire.office, 1, 'ours');
  const asked = async (): Promise<Captured[]> => (await wire.ofOurs()).filter(asksForType);
  await expect.poll(async () => (await asked()).length, { timeout: 5_000 }).toBe(1);
  await wire.stranger.send(answer(strangersRecords('Known')));
  await toldAt(ours, sees('Known', '10.77.0.2'));
  await expect.poll(async () => (await asked()).length, { timeout: 12_000 }).toBe(4);
  const questions = await asked();
  const gaps = questions.slice(1).map(({ at }, n) => at - (questions[n]?.at ?? NaN));
  for (const [n, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(1_000 * 2 ** n - 10);
  expect(gaps.reduce((sum, gap) => sum + gap, 0)).toBeLessThan(10_000);
  const known = questions.map(({ message }) => message.answers.map(({ data }) => data));
  const pointer = { type: 'PTR', target: instanceOf('Known') };
  expect([known[0], known[2], known[3]]).toEqual([[], [pointer], [pointer]]);
});

test.concurrent('on the wire: what comes in parts is asked for and joined; what runs out is asked for, then gone', async ({
  expect,
}) => {
  await using wire = await Wire.open();
  const ours = await startAgent(wire.office, 1, 'ours');
  await ours.waitFor(/"self"/);
  const [pointer, srv, txt, address] = strangersRecords('Parts').map((record) => answer([record]));
  const asked = async (name: readonly string[], type: keyof typeof recordTypes): Promise<number> =>
    (await wire.ofOurs()).filter(asksAbout(name, type)).length;
  await expect.poll(async () => (await wire.ofOurs()).some(asksForType), { timeout: 5_000 }).toBe(true);

  await wire.stranger.send(pointer ?? noMessage);
  for (const type of ['SRV', 'TXT'] as const)
    await expect.poll(() => asked(instanceOf('Parts'), type), { timeout: 5_000 }).toBeGreaterThan(0);
  await wire.stranger.send(srv ?? noMessage);
  await wire.stranger.send(txt ?? noMessage);
  await expect.poll(() => asked(['host-Parts', 'local'], 'A'), { timeout: 5_000 }).toBeGreaterThan(0);
  expect(ours.stdout).not.toContain(idOf('Parts'));
  await wire.stranger.send(address ?? noMessage);
  await toldAt(ours, sees('Parts', '10.77.0.2'));

  // Its address changes: the old one is ended by the cache-flush bit, not by its TTL. What was heard within the last
  // second would be spared, as a part of the same announcement (10.2).
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const moved = strangersRecords('Parts', { address: '10.77.0.99' });
  await wire.stranger.send(answer(moved.filter(({ data }) => data.type === 'A')));
  await toldAt(ours, sees('Parts', '10.77.0.99'));

  const said = await wire.stranger.send(answer(strangersRecords('Short', { ttl: 4 })));
  await toldAt(ours, sees('Short', '10.77.0.2'));
  const gone = (await toldAt(ours, loses('Short'))) - said;
  expect(gone).toBeGreaterThanOrEqual(3_900);
  expect(gone).toBeLessThan(6_000);
  const refreshes = (await wire.ofOurs(said)).filter(asksAbout(instanceOf('Short'), 'SRV')).map(({ at }) => at - said);
  expect(refreshes[0]).toBeGreaterThanOrEqual(0.8 * 4_000 - 20);
  expect(refreshes[0]).toBeLessThanOrEqual(4_000);
});

test.concurrent('on the wire: where packets cannot leave, it waits, and is there again with the network', async ({
  expect,
}) => {
  await using wire = await Wire.open();
  const ours = await startAgent(wire.office, 1, 'ours', 'Ours');
  await ours.waitFor(/"announced"/);
  await wire.office.run(1, 'ip', ['link', 'set', 'eth0', 'down']);
  // Its probes meet ENETUNREACH, before it can have noticed that the card is down.
  announce(ours, 'Again');
  await toldAt(ours, ({ ordered }) => ordered !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(ours.running).toBe(true);
  const up = Date.now();
  await wire.office.run(1, 'ip', ['link', 'set', 'eth0', 'up']);
  await expect.poll(async () => (await wire.ofOurs(up)).some(announces('Again')), { timeout: 10_000 }).toBe(true);
  const told = (await wire.ofOurs(up)).flatMap(({ message }) => (message.response ? message.answers : []));
  expect(told.some(({ name, data }) => isOf('Again')(name) && data.type === 'SRV')).toBe(true);
});

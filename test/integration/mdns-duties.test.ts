// needs: namespaces avahi mdns
/** What a responder must do (RFC 6762), by the packets that really leave it. Mostly waiting, so side by side. */
import { test } from 'vitest';
import type { DnsRecord } from '../../agent/discovery/dns-types.ts';
import { hostNameOf } from '../../protocol/ids.ts';
import { agentType, idOf, instanceRecords, noMessage } from '../discovery/engine-support.ts';
import { announce, startAgent } from './mdns-support.ts';
import { announces, instanceOf, isOf, probesFor, question, takenBack, Wire } from './mdns-wire.ts';

const group = '224.0.0.251';
const query = { ...noMessage, response: false };
const answerTo = (answers: readonly DnsRecord[]): typeof noMessage => ({ ...noMessage, answers });

/** What another device of this name would tell. */
function rivalOf(label: string): DnsRecord[] {
  return instanceRecords({ label, host: 'zz-rival', port: 65_535, id: idOf('rival'), address: '10.77.0.2' });
}

test.concurrent('on the wire: probes, announcements, goodbyes', async ({ expect }) => {
  await using wire = await Wire.open();
  const ours = await startAgent(wire.office, 1, 'ours', 'Ours');
  await ours.waitFor(/"announced"/);
  const announcements = async (): ReturnType<Wire['ofOurs']> => (await wire.ofOurs()).filter(announces('Ours'));
  await expect.poll(async () => (await announcements()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);

  const packets = await wire.ofOurs();
  const probes = packets.filter(probesFor('Ours'));
  expect(probes).toHaveLength(3);
  for (const [n, { at, message }] of probes.entries()) {
    expect(message.authorities.map(({ data }) => data.type)).toEqual(expect.arrayContaining(['SRV', 'TXT', 'A']));
    const before = probes[n - 1];
    // 250 ms in the agent's time; one that leaves late on a busy machine comes closer to the next.
    if (before !== undefined) expect(at - before.at).toBeGreaterThan(100);
  }
  const [first, second] = await announcements();
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(800);
  for (const { name, flush, data } of first?.message.answers ?? []) {
    // RFC 6762 10.2: ours alone, except for the lists that all share.
    expect([name.join('.'), flush]).toEqual([name.join('.'), data.type !== 'PTR']);
  }
  for (const { hops, toPort, bytes } of packets) {
    expect([hops, toPort]).toEqual([255, 5353]);
    expect(bytes.byteLength).toBeLessThanOrEqual(1_452);
  }
  const addresses = packets.flatMap(({ message }) => message.answers).filter(({ data }) => data.type === 'A');
  expect(new Set(addresses.map(({ name }) => name.join('.')))).toEqual(new Set([hostNameOf(idOf('ours'))]));

  ours.kill('SIGTERM');
  await ours.exited;
  await expect.poll(async () => takenBack(await wire.ofOurs(), 'Ours').length, { timeout: 5_000 }).toBeGreaterThan(0);
  const goodbyes = (await wire.ofOurs()).flatMap(({ message }) => message.answers).filter(({ ttl }) => ttl === 0);
  // The list of all types is not ours to end.
  expect(goodbyes.some(({ name }) => name[0] === '_services')).toBe(false);
});

test.concurrent('on the wire: known answers, delays, one answer a second, one packet for three questions, unicast, NSEC', async ({
  expect,
}) => {
  await using wire = await Wire.open();
  const { stranger } = wire;
  const ours = await startAgent(wire.office, 1, 'ours', 'Ours');
  await ours.waitFor(/"announced"/);
  const heard = async (since: number): ReturnType<Wire['ofOurs']> =>
    (await wire.ofOurs(since)).filter(announces('Ours'));
  const settled = (): Promise<void> =>
    expect
      .poll(async () => Date.now() - ((await heard(0)).at(-1)?.at ?? Date.now()), { timeout: 10_000 })
      .toBeGreaterThan(1_500);
  const browse = { ...query, questions: [question(agentType, 'PTR')] };

  // Whoever knows the answer gets none (7.1); whoever does not gets it after 20 to 120 ms (6).
  await settled();
  const asked = Date.now();
  const known: DnsRecord = {
    name: agentType,
    ttl: 4_500,
    flush: false,
    data: { type: 'PTR', target: instanceOf('Ours') },
  };
  await stranger.send({ ...browse, answers: [known] });
  await stranger.send(browse);
  await expect.poll(async () => (await heard(asked)).length, { timeout: 5_000 }).toBe(1);
  const questions = await wire.ofStranger(asked);
  expect(questions).toHaveLength(2);
  const delay = ((await heard(asked))[0]?.at ?? 0) - (questions[1]?.at ?? 0);
  expect(delay).toBeGreaterThanOrEqual(15);
  expect(delay).toBeLessThan(500);

  // Asked for 30 times in 1.5 s: said once a second, no more (6.2).
  await settled();
  const flood = Date.now();
  await stranger.send(browse, { times: 30, everyMs: 50 });
  await settled();
  const said = (await heard(flood)).map(({ at }) => at);
  expect(said.length).toBeGreaterThanOrEqual(2);
  for (const [n, at] of said.slice(1).entries()) expect(at - (said[n] ?? 0)).toBeGreaterThan(900);

  // Three questions in one packet, one packet of answers (6.4).
  const together = Date.now();
  const host = hostNameOf(idOf('ours')).split('.');
  const three = [question(agentType, 'PTR'), question(instanceOf('Ours'), 'TXT'), question(host, 'A')];
  await stranger.send({ ...query, questions: three });
  const whole = async (): Promise<Captures> => (await wire.ofOurs(together)).filter(({ message }) => message.response);
  await expect.poll(async () => (await whole()).length, { timeout: 5_000 }).toBeGreaterThan(0);
  await settled();
  expect((await whole()).map(({ message }) => message.answers.map(({ data }) => data.type).toSorted())).toEqual([
    ['A', 'PTR', 'TXT'],
  ]);

  // A question for a unicast answer is answered to the asker alone (5.4).
  const alone = Date.now();
  await stranger.send({ ...query, questions: [question(agentType, 'PTR', true)] });
  await expect.poll(() => stranger.received().length, { timeout: 5_000 }).toBe(1);
  const [toAsker] = stranger.received();
  expect(toAsker?.from).toBe(wire.office.address(1));
  expect(toAsker?.message.answers.map(({ data }) => data)).toEqual([known.data]);
  const toAll = async (): Promise<Captures> =>
    (await wire.ofOurs(alone)).filter(({ message, to }) => message.response && to === group);
  expect(await toAll()).toEqual([]);

  // What a name of ours lacks is denied (6.1).
  await stranger.send({ ...query, questions: [question(host, 'TXT')] });
  await expect.poll(async () => (await toAll()).length, { timeout: 5_000 }).toBe(1);
  expect((await toAll())[0]?.message.answers.map(({ data }) => data.type)).toEqual(['NSEC']);
});

test.concurrent('on the wire: who loses a tie waits a second; a name that another has, or contests, is his without a word against him', async ({
  expect,
}) => {
  await using wire = await Wire.open();
  const { stranger } = wire;
  const ours = await startAgent(wire.office, 1, 'ours');
  await ours.waitFor(/"self"/);

  // Another asks for the same name at the same time, with the better records, and never takes it.
  const rival = rivalOf('Tie').filter(({ data }) => data.type === 'SRV');
  const probe = { ...query, questions: [question(instanceOf('Tie'), 'ANY')], authorities: rival };
  const ended = stranger.send(probe, { times: 25, everyMs: 80 });
  await expect.poll(async () => (await wire.ofStranger()).length, { timeout: 5_000 }).toBeGreaterThan(0);
  announce(ours, 'Tie');
  await ended;
  await ours.waitFor(/"announced":"Tie"/);
  const last = (await wire.ofStranger()).at(-1)?.at ?? NaN;
  const first = (await wire.ofOurs()).find(announces('Tie'));
  expect(first?.at).toBeGreaterThan(last);
  const gaps = (await wire.ofOurs()).filter(probesFor('Tie')).map(({ at }, n, all) => at - (all[n - 1]?.at ?? at));
  // Each probe that met a better one is followed by a second of silence; the last three are left alone.
  const undisturbed = gaps.splice(-2);
  expect(gaps.length).toBeGreaterThanOrEqual(2);
  for (const gap of gaps.slice(1)) expect(gap).toBeGreaterThan(900);
  for (const gap of undisturbed) expect(gap).toBeLessThan(900);

  // Another has the name, and says so.
  const owned = stranger.send(answerTo(rivalOf('Owned')), { times: 20, everyMs: 80 });
  announce(ours, 'Owned');
  await ours.waitFor(/"announced":"Owned \(2\)"/);
  await owned;

  // Another says something else under a name that we have: it is tried again, and as nobody answers it stays ours.
  announce(ours, 'Ours');
  await ours.waitFor(/"announced":"Ours"/);
  await expect
    .poll(async () => (await wire.ofOurs()).filter(announces('Ours')).length, { timeout: 5_000 })
    .toBeGreaterThanOrEqual(2);
  const contested = await stranger.send(answerTo(rivalOf('Ours').filter(({ data }) => data.type === 'TXT')));
  const since = async (is: (label: string) => Parameters<Captures['filter']>[0]): Promise<number> =>
    (await wire.ofOurs(contested)).filter(is('Ours')).length;
  await expect.poll(() => since(probesFor), { timeout: 5_000, message: `since ${contested}, ${ours.stdout}` }).toBe(3);
  await expect.poll(() => since(announces), { timeout: 5_000 }).toBeGreaterThanOrEqual(1);
  expect(ours.stdout).not.toContain('Ours (2)');

  const all = await wire.ofOurs();
  expect(takenBack(all, 'Owned')).toEqual([]);
  expect(all.filter(announces('Owned'))).toEqual([]);
  const told = all.flatMap(({ message }) => (message.response ? message.answers : []));
  expect(told.filter(({ name }) => isOf('Owned')(name))).toEqual([]);
});

type Captures = Awaited<ReturnType<Wire['ofOurs']>>;

test.concurrent('on the wire: each of two LANs hears its own addresses alone, by IPv4 and by IPv6', async ({
  expect,
}) => {
  await using wire = await Wire.open(['eth0', 'eth1'], { secondCards: [1, 2] });
  const ours = await startAgent(wire.office, 1, 'ours', 'Ours');
  await ours.waitFor(/"announced"/);
  for (const [card, lan] of [
    ['eth0', 7],
    ['eth1', 8],
  ] as const) {
    const announced = async (): Promise<Captures> => (await wire.packets(card)).filter(announces('Ours'));
    await expect.poll(async () => (await announced()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    const packets = await announced();
    expect(new Set(packets.map(({ to, hops }) => `${to} ${hops}`))).toEqual(
      new Set(['224.0.0.251 255', 'ff02::fb 255']),
    );
    const told = packets.flatMap(({ message }) => message.answers.concat(message.additionals));
    const addresses = new Set(told.flatMap(({ data }) => ('address' in data ? [data.address] : [])));
    const linkLocal = Array.from(addresses).filter((address) => address.startsWith('fe80:'));
    expect(linkLocal).toHaveLength(1);
    expect(addresses).toEqual(new Set([`10.7${lan}.0.1`, `fd7${lan}::1`, ...linkLocal]));
  }
  expect((await wire.packets('eth1')).some(({ from }) => from.startsWith('10.77.'))).toBe(false);
});

// needs: namespaces avahi mdns
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeMessage } from '../../agent/discovery/dns-encode.ts';
import { type DnsRecord, recordTypes } from '../../agent/discovery/dns-types.ts';
import { hostNameOf } from '../../protocol/ids.ts';
import { agentType, idOf, noMessage } from '../discovery/engine-support.ts';
import { type Captured, MdnsCapture } from '../office/mdns-capture.ts';
import { type Office, startOffice } from '../office/office.ts';
import { runPython, startAgent } from './mdns-support.ts';

const instance = ['Ours', ...agentType];

/** Sends one packet to the group from port 5353 of host 2, as a stranger's responder would. */
function send(office: Office, bytes: Uint8Array): Promise<string> {
  return runPython(
    office,
    2,
    `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.77.0.2"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
s.sendto(bytes.fromhex("${Buffer.from(bytes).toString('hex')}"), ("224.0.0.251", 5353))`,
  );
}

function isOurs(name: readonly string[]): boolean {
  return name[0] === instance[0] && name[1] === instance[1];
}

function pointsToUs({ data, ttl }: DnsRecord): boolean {
  return data.type === 'PTR' && ttl > 0 && isOurs(data.target);
}

test('on the wire: probes, announcements, answers, suppression, goodbyes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mdns-'));
  await using office = await startOffice(2);
  await using capture = await MdnsCapture.start(office, 2, join(folder, 'wire.pcap'));
  const ofOurs = async (): Promise<Captured[]> => (await capture.packets()).filter(({ from }) => from === '10.77.0.1');
  const ours = await startAgent(office, 1, 'ours', 'Ours');
  await ours.waitFor(/"announced"/);
  const announcements = async (): Promise<Captured[]> =>
    (await ofOurs()).filter(({ message }) => message.response && message.answers.some(pointsToUs));
  await expect.poll(async () => (await announcements()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);

  const packets = await ofOurs();
  const probes = packets.filter(({ message }) =>
    message.questions.some(({ name, type }) => type === recordTypes.ANY && isOurs(name)),
  );
  expect(probes).toHaveLength(3);
  for (const [n, { at, message }] of probes.entries()) {
    expect(message.authorities.map(({ data }) => data.type)).toEqual(expect.arrayContaining(['SRV', 'TXT', 'A']));
    const before = probes[n - 1];
    if (before !== undefined) expect(at - before.at).toBeGreaterThan(200);
  }
  const [first, second] = await announcements();
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(900);
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

  // Whoever knows the answer gets none (7.1); whoever does not gets it after 20 to 120 ms (6).
  const question = { name: agentType, type: recordTypes.PTR, unicast: false };
  const query = { ...noMessage, response: false, questions: [question] };
  const known: DnsRecord = { name: agentType, ttl: 4_500, flush: false, data: { type: 'PTR', target: instance } };
  const answersSince = async (since: number): Promise<Captured[]> =>
    (await announcements()).filter(({ at }) => at >= since);
  await expect
    .poll(async () => Date.now() - ((await announcements()).at(-1)?.at ?? 0), { timeout: 10_000 })
    .toBeGreaterThan(1_500);
  const asked = Date.now();
  await send(office, encodeMessage({ ...query, answers: [known] }));
  await send(office, encodeMessage(query));
  await expect.poll(async () => (await answersSince(asked)).length).toBeGreaterThanOrEqual(1);
  const strangers = (await capture.packets()).filter(({ from, at }) => from === '10.77.0.2' && at >= asked);
  const answer = (await answersSince(asked))[0];
  const delay = (answer?.at ?? 0) - (strangers[1]?.at ?? 0);
  expect(strangers).toHaveLength(2);
  expect(delay).toBeGreaterThanOrEqual(15);
  expect(delay).toBeLessThan(200);

  ours.kill('SIGTERM');
  await ours.exited;
  const goodbyes = (await ofOurs()).flatMap(({ message }) => message.answers).filter(({ ttl }) => ttl === 0);
  expect(goodbyes.some(({ data }) => data.type === 'PTR' && isOurs(data.target))).toBe(true);
  // The list of all types is not ours to end.
  expect(goodbyes.some(({ name }) => name[0] === '_services')).toBe(false);
  await rm(folder, { recursive: true });
});

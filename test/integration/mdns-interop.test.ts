// needs: namespaces avahi mdns
import { expect, test } from 'vitest';
import { idOf } from '../discovery/engine-support.ts';
import { type Office, startOffice } from '../office/office.ts';
import { bonjour, linesOf, loses, pythonZeroconf, runPython, sees, startAgent, toldAt } from './mdns-support.ts';

/** With dots, umlauts, a backslash, and all 63 bytes. */
const names = ['Dr. A. Müller & Söhne (1)', `${'ü'.repeat(31)}x`, 'back\\slash.dot'];

async function browsedByAvahi(office: Office, k: number): Promise<string[]> {
  return (await office.run(k, 'avahi-browse', ['-rtp', '_nethood._tcp'])).split('\n').filter((line) => line[0] === '=');
}

/** Avahi escapes what is no plain letter as three decimal digits, for each byte. */
function unescaped(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\') bytes.push(text.charCodeAt(at));
    else if (/^\d{3}/.test(text.slice(at + 1))) bytes.push(Number(text.slice(at + 1, (at += 3) + 1)));
    else bytes.push(text.charCodeAt(++at));
  }
  return Buffer.from(bytes).toString();
}

test('Avahi, bonjour-service, python-zeroconf and dig find ours, whatever its name', async () => {
  await using office = await startOffice(2);
  await office.avahi(2, 'start');
  await Promise.all(names.map((name, n) => startAgent(office, 1, `seed ${n}`, name)));
  const [byBonjour, byPython] = [await bonjour(office, 2, 'browse'), await pythonZeroconf(office, 2, 'browse')];
  const ids = names.map((_, n) => idOf(`seed ${n}`));
  for (const [n, id] of ids.entries()) {
    await byBonjour.waitFor(new RegExp(`"up".*${id}`));
    await byPython.waitFor(new RegExp(`"up".*${id}`));
    await expect
      .poll(async () => (await browsedByAvahi(office, 2)).some((line) => line.includes(id)), { timeout: 10_000 })
      .toBe(true);
    const line = (await browsedByAvahi(office, 2)).find((one) => one.includes(id)) ?? '';
    expect(unescaped(line.split(';')[3] ?? '')).toBe(names[n]);
  }
  const found = linesOf(byPython).map(({ up }) => (up as { name: string } | undefined)?.name);
  for (const name of names) expect(found).toContain(`${name}._nethood._tcp.local.`);
  const answer = await office.run(2, 'dig', [
    '@10.77.0.1',
    '-p',
    '5353',
    '+short',
    '+time=2',
    '_nethood._tcp.local',
    'PTR',
  ]);
  expect(answer.trim().split('\n').length).toBeGreaterThanOrEqual(1);
  expect(answer).toContain('._nethood._tcp.local.');
});

test('ours finds what Avahi, bonjour-service and python-zeroconf publish, and loses it with them', async () => {
  await using office = await startOffice(2);
  await office.avahi(2, 'start');
  const ours = await startAgent(office, 1, 'ours', 'Ours');
  const [dotted = '', long = ''] = names;
  const published = [
    await office.spawn(2, 'avahi-publish', [
      '-s',
      dotted,
      '_nethood._tcp',
      '7001',
      `id=${idOf('avahi')}`,
      'v=1',
      'name=Avahi',
    ]),
    await bonjour(office, 2, 'publish', 'Bonjour', '7002', idOf('bonjour')),
    await pythonZeroconf(office, 2, 'publish', long, '7003', idOf('python'), '10.77.0.2'),
  ];
  for (const seed of ['avahi', 'bonjour', 'python']) await toldAt(ours, sees(seed, '10.77.0.2'));
  for (const process of published) process.kill('SIGTERM');
  for (const seed of ['avahi', 'bonjour', 'python']) await toldAt(ours, loses(seed));
});

test('a question from another port is answered by unicast, as old resolvers ask', async () => {
  await using office = await startOffice(2);
  const ours = await startAgent(office, 1, 'ours', 'Dr. Ours');
  await ours.waitFor(/"announced":"Dr. Ours"/);
  const script = `
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.77.0.2"))
q = struct.pack("!6H", 0x1234, 0, 1, 0, 0, 0) + b"\\x08_nethood\\x04_tcp\\x05local\\x00" + struct.pack("!2H", 12, 1)
s.sendto(q, ("224.0.0.251", 5353))
data, sender = s.recvfrom(9000)
print(sender[0], sender[1], data.hex())`;
  const [from, port, hex = ''] = (await runPython(office, 2, script)).trim().split(' ');
  const bytes = Buffer.from(hex, 'hex');
  expect([from, port]).toEqual(['10.77.0.1', '5353']);
  // The id and the question come back (RFC 6762 6.7).
  expect(bytes.readUInt16BE(0)).toBe(0x1234);
  expect(bytes.readUInt16BE(4)).toBe(1);
  expect(bytes.includes('Dr. Ours')).toBe(true);
});

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

test('Avahi, bonjour-service, python-zeroconf and dig find ours, whatever its name, and lose it with it', async () => {
  await using office = await startOffice(2);
  await office.avahi(2, 'start');
  const ours = await Promise.all(names.map((name, n) => startAgent(office, 1, `seed ${n}`, name)));
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

  for (const agent of ours) agent.kill('SIGTERM');
  for (const id of ids) await byBonjour.waitFor(new RegExp(`"down".*${id}`));
  for (const name of names)
    await expect.poll(() => linesOf(byPython).map(lostName), { timeout: 10_000 }).toContain(name);
  await expect.poll(() => browsedByAvahi(office, 2), { timeout: 10_000 }).toEqual([]);
});

test('the subtype and the list of types are found by Avahi, python-zeroconf and dig', async () => {
  await using office = await startOffice(2);
  await office.avahi(2, 'start');
  const ours = await startAgent(office, 1, 'ours');
  ours.write(`${JSON.stringify({ name: 'Dr. Ours', port: 6631, printer: 'Müllers Laser, 2. Stock' })}\n`);
  await ours.waitFor(/"announced":"Dr. Ours"/);
  const subtype = '_universal._sub._ipp._tcp';
  const browsed = async (...args: string[]): Promise<string> => unescaped(await office.run(2, 'avahi-browse', args));
  await expect.poll(() => browsed('-rtp', subtype), { timeout: 10_000 }).toMatch(/^=;.*;Müllers Laser, 2. Stock;/m);
  // All services of all types that _services._dns-sd._udp lists (RFC 6763 section 9).
  const listed = ['Dr. Ours;_nethood._tcp;', 'Müllers Laser, 2. Stock;Internet Printer;'];
  await expect
    .poll(async () => browsed('-atp').then((text) => listed.filter((one) => !text.includes(one))), { timeout: 10_000 })
    .toEqual([]);

  const dig = (name: string): Promise<string> =>
    office.run(2, 'dig', ['@10.77.0.1', '-p', '5353', '+short', '+time=2', `${name}.local`, 'PTR']);
  const printers = await dig(subtype);
  expect(unescaped(printers.trim())).toBe('Müllers Laser, 2. Stock._ipp._tcp.local.');
  const types = (await dig('_services._dns-sd._udp')).trim().split('\n');
  expect(types.toSorted()).toEqual(['_ipp._tcp.local.', '_nethood._tcp.local.']);

  const script = `
from zeroconf import ServiceBrowser, Zeroconf, ZeroconfServiceTypes
import threading
print(sorted(ZeroconfServiceTypes.find(timeout=2)))
found, zc = threading.Event(), Zeroconf()
class Listener:
    def add_service(self, zc, type_, name):
        print(name, flush=True)
        found.set()
    def update_service(self, *_): pass
    def remove_service(self, *_): pass
ServiceBrowser(zc, "${subtype}.local.", Listener())
found.wait(5)
zc.close()`;
  const byPython = await office.run(2, '/usr/bin/python3', ['-c', script]);
  expect(byPython).toContain("'_ipp._tcp.local.', '_nethood._tcp.local.'");
  expect(byPython).toContain('Müllers Laser, 2. Stock.');
});

function lostName(line: Record<string, unknown>): string | undefined {
  return (line['down'] as { name?: string } | undefined)?.name?.replace('._nethood._tcp.local.', '');
}

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

// needs: namespaces avahi
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { base32 } from '../../agent/base/random-id.ts';
import { DeviceId, hostNameOf } from '../../protocol/ids.ts';
import { type Office, type OfficeProcess, startOffice } from '../office/office.ts';
import { count } from '../office/counts.ts';

const program = join(import.meta.dirname, '../../dist/test/programs/discovery-agent.js');

function idOf(seed: string): DeviceId {
  return DeviceId.parse(base32(createHash('sha256').update(seed).digest()));
}

function agent(office: Office, k: number, name: string, port = 6631): Promise<OfficeProcess> {
  return office.spawn(k, process.execPath, [program, `${name}${k}`, name, String(port)]);
}

/** Milliseconds until avahi in host k resolves (or loses) an instance, as `avahi-browse -rtp` prints it. */
async function browsed(
  office: Office,
  k: number,
  wanted: (lines: string[]) => boolean,
  deadlineMs = 8_000,
): Promise<number> {
  const started = Date.now();
  await expect
    .poll(async () => wanted((await office.run(k, 'avahi-browse', ['-rtpk', '_nethood._tcp'])).split('\n')), {
      timeout: deadlineMs,
      interval: 100,
    })
    .toBe(true);
  return Date.now() - started;
}

async function addressesOf(office: Office, k: number, card: string): Promise<string[]> {
  const [link] = JSON.parse(await office.run(k, 'ip', ['-j', 'addr', 'show', 'dev', card])) as [
    { addr_info: { local: string }[] },
  ];
  return link.addr_info.map(({ local }) => local);
}

function resolved(lines: readonly string[], id: DeviceId): string[] {
  return lines.filter((line) => line.startsWith('=') && line.includes(id));
}

test('two agents find each other within three seconds, and one that stops is gone', async () => {
  await using office = await startOffice(2);
  const started = Date.now();
  const first = await agent(office, 1, 'Ann');
  const second = await agent(office, 2, 'Bob');
  await Promise.all([
    first.waitFor(new RegExp(`seen.*${idOf('Bob2')}.*10\\.77\\.0\\.2`)),
    second.waitFor(new RegExp(`seen.*${idOf('Ann1')}.*10\\.77\\.0\\.1`)),
  ]);
  expect(Date.now() - started).toBeLessThan(count(10_000, 3_000));
  const stopped = Date.now();
  first.kill('SIGTERM');
  await second.waitFor(new RegExp(`lost.*${idOf('Ann1')}`), 5_000);
  expect(Date.now() - stopped).toBeLessThan(count(10_000, 2_500));
  expect((await first.exited).code).toBe(0);
});

test('Avahi resolves our instance: own host name, text, address of its card alone', async () => {
  await using office = await startOffice(2, { secondCards: [1] });
  await office.avahi(2, 'start');
  const process = await agent(office, 1, 'Ärger & Co. (1)');
  await process.waitFor(/announced/);
  const id = idOf('Ärger & Co. (1)1');
  let line = '';
  await browsed(office, 2, (lines) => {
    line = resolved(lines, id)[0] ?? '';
    return line !== '';
  });
  const [, card, , , type, domain, host, address, port, txt] = line.split(';');
  expect({ card, type, domain, host, port }).toEqual({
    card: 'eth0',
    type: '_nethood._tcp',
    domain: 'local',
    host: hostNameOf(id),
    port: '6631',
  });
  // Avahi shows one of them: any of the card on its own LAN, link-local too.
  expect(await addressesOf(office, 1, 'eth0')).toContain(address);
  expect(txt).toContain(`"id=${id}"`);
  expect(txt).toContain('"v=1"');
  expect(txt).toContain('"name=');
  const addresses = await office.run(2, 'avahi-resolve', ['-4n', hostNameOf(id)]);
  expect(addresses.trim().split(/\s+/)).toEqual([hostNameOf(id), '10.77.0.1']);
  process.kill('SIGTERM');
  expect(await browsed(office, 2, (lines) => resolved(lines, id).length === 0)).toBeLessThan(count(10_000, 3_000));
});

test('an agent on two LANs tells each its own address, and is found on both', async () => {
  await using office = await startOffice(3, { secondCards: [1, 3] });
  await office.script('unplug', '3', '1');
  const first = await agent(office, 1, 'Ann');
  const second = await agent(office, 2, 'Bob');
  const third = await agent(office, 3, 'Cid');
  const seen = await second.waitFor(new RegExp(`seen.*${idOf('Ann1')}.*`));
  expect(seen[0]).toContain('"10.77.0.1"');
  expect(seen[0]).not.toMatch(/10\.78|fd78/);
  const other = await third.waitFor(new RegExp(`seen.*${idOf('Ann1')}.*`));
  expect(other[0]).toContain('"10.78.0.1"');
  expect(other[0]).not.toMatch(/10\.77|fd77/);
  await first.waitFor(new RegExp(`seen.*${idOf('Bob2')}`));
  await first.waitFor(new RegExp(`seen.*${idOf('Cid3')}`));
});

test('we see an instance that Avahi publishes, and lose it with it', async () => {
  await using office = await startOffice(2);
  await office.avahi(1, 'start');
  const ours = await agent(office, 2, 'Bob');
  await ours.waitFor(/announced/);
  const id = idOf('foreign');
  await using published = await office.spawn(1, 'avahi-publish', [
    '-s',
    'Dr. A. Muster',
    '_nethood._tcp',
    '7777',
    `id=${id}`,
    'v=3',
    'name=Dr. A. Muster',
    'later=x',
  ]);
  // Avahi tells each family its own address.
  const seen = await ours.waitFor(new RegExp(`\\{"seen".*${id}.*10\\.77\\.0\\.1".*fd77.*`));
  expect(JSON.parse(seen[0])).toMatchObject({
    seen: {
      id,
      name: 'Dr. A. Muster',
      port: 7777,
      addresses: [{ address: '10.77.0.1' }, { address: 'fd77::1' }],
    },
  });
  published.kill();
  await ours.waitFor(new RegExp(`lost.*${id}`), 5_000);
});

test('beside Avahi on one host both work, and Avahi keeps the host name', async () => {
  await using office = await startOffice(2);
  await office.avahi(1, 'start');
  await office.avahi(2, 'start');
  const beside = await agent(office, 1, 'Ann');
  const other = await agent(office, 2, 'Bob');
  await beside.waitFor(new RegExp(`seen.*${idOf('Bob2')}`));
  await other.waitFor(new RegExp(`seen.*${idOf('Ann1')}`));
  for (const k of [1, 2]) {
    await browsed(
      office,
      k,
      (lines) => resolved(lines, idOf('Ann1')).length > 0 && resolved(lines, idOf('Bob2')).length > 0,
    );
    expect(await office.avahi(k, 'log')).not.toMatch(/conflict|-2\.local/i);
  }
  const name = `${office.hostName(1)}.local`;
  expect((await office.run(2, 'avahi-resolve', ['-4n', name])).trim().split(/\s+/)).toEqual([name, '10.77.0.1']);
});

test('a changed address is right within seconds, for us and for Avahi', async () => {
  await using office = await startOffice(3);
  await office.avahi(3, 'start');
  await agent(office, 1, 'Ann');
  const second = await agent(office, 2, 'Bob');
  await second.waitFor(new RegExp(`seen.*${idOf('Ann1')}`));
  await browsed(office, 3, (lines) => resolved(lines, idOf('Ann1')).length > 0);
  const changed = Date.now();
  await office.readdress(1, '10.77.0.101');
  // Alone: what was replaced is told no more.
  await second.waitFor(
    new RegExp(`seen.*${idOf('Ann1')}.*\\[\\{"address":"10\\.77\\.0\\.101"\\},\\{"address":"f`),
    8_000,
  );
  expect(Date.now() - changed).toBeLessThan(count(15_000, 4_000));
  await expect
    .poll(
      async () => (await office.run(3, 'avahi-resolve', ['-4n', hostNameOf(idOf('Ann1'))])).trim().split(/\s+/)[1],
      { timeout: 5_000 },
    )
    .toBe('10.77.0.101');
});

test('an unplugged agent and one that slept are found again without help', async () => {
  await using office = await startOffice(2);
  const first = await agent(office, 1, 'Ann');
  const second = await agent(office, 2, 'Bob');
  await second.waitFor(new RegExp(`seen.*${idOf('Ann1')}`));
  await first.waitFor(new RegExp(`seen.*${idOf('Bob2')}`));
  await office.unplug(1);
  await first.waitFor(new RegExp(`lost.*${idOf('Bob2')}`));
  const before = first.stdout.length;
  await office.plug(1);
  await expect.poll(() => first.stdout.slice(before), { timeout: 10_000 }).toContain(idOf('Bob2'));
  await office.sleep(2);
  // What changed meanwhile nobody tells again: it has to be asked for.
  const slept = new Promise((resolve) => setTimeout(resolve, 13_000));
  first.kill('SIGKILL');
  await first.exited;
  const again = await agent(office, 1, 'Ann', 6641);
  await again.waitFor(/announced/);
  await slept;
  await office.wake(2);
  await second.waitFor(/woke/);
  await second.waitFor(new RegExp(`seen.*${idOf('Ann1')}.*6641`), 5_000);
});

test('another name and port are told at once; the instance never looks gone', async () => {
  await using office = await startOffice(2);
  const first = await office.spawn(1, process.execPath, [program, 'x', 'Ann'], { keepStdin: true });
  const second = await agent(office, 2, 'Bob');
  await second.waitFor(new RegExp(`seen.*${idOf('x')}`));
  first.write(`${JSON.stringify({ name: 'Ann', port: 6641 })}\n`);
  await second.waitFor(new RegExp(`seen.*${idOf('x')}.*6641`), 3_000);
  expect(second.stdout).not.toContain('lost');
  first.write(`${JSON.stringify({ name: 'Anna', port: 6641 })}\n`);
  await second.waitFor(new RegExp(`seen.*${idOf('x')}.*"Anna"`), 5_000);
});

test('of two that want one name, one gets a number; both are found', async () => {
  await using office = await startOffice(3);
  const [first, second, third] = await Promise.all([
    agent(office, 1, 'PC'),
    agent(office, 2, 'PC'),
    agent(office, 3, 'Cid'),
  ]);
  const names = await Promise.all(
    [first, second].map(async (process) => (await process.waitFor(/"announced":"([^"]*)"/))[1]),
  );
  expect(names.toSorted((a = '', b = '') => a.length - b.length)).toEqual(['PC', 'PC (2)']);
  await third.waitFor(new RegExp(`seen.*${idOf('PC1')}`));
  await third.waitFor(new RegExp(`seen.*${idOf('PC2')}`));
});

test('a name that Avahi has first stays its own, and nobody loses it', async () => {
  await using office = await startOffice(3);
  await office.avahi(1, 'start');
  await office.avahi(3, 'start');
  const foreign = idOf('foreign');
  await office.spawn(1, 'avahi-publish', ['-s', 'Ann', '_nethood._tcp', '7777', `id=${foreign}`, 'v=1', 'name=Ann']);
  await browsed(office, 3, (lines) => resolved(lines, foreign).length > 0);
  const ours = await agent(office, 2, 'Ann');
  expect((await ours.waitFor(/"announced":"([^"]*)"/))[1]).toBe('Ann (2)');
  await browsed(office, 3, (lines) => resolved(lines, foreign).length > 0 && resolved(lines, idOf('Ann2')).length > 0);
});

test('a port 5353 that another keeps for itself is said, and taken once it is free', async () => {
  await using office = await startOffice(2);
  await using keeper = await office.spawn(1, 'python3', [
    '-c',
    'import socket,time; s=socket.socket(2,2); s.bind(("0.0.0.0",5353)); print("kept", flush=True); time.sleep(1000)',
  ]);
  await keeper.waitFor(/kept/);
  const first = await agent(office, 1, 'Ann');
  await first.waitFor(/Another program keeps UDP port 5353/);
  expect(first.running).toBe(true);
  const second = await agent(office, 2, 'Bob');
  await second.waitFor(/announced/);
  await keeper[Symbol.asyncDispose]();
  await first.waitFor(new RegExp(`seen.*${idOf('Bob2')}`), 40_000);
});

test('two agents on one PC find each other, without any network too', async () => {
  await using office = await startOffice(1);
  for (const address of ['10.77.0.1', '127.0.0.1']) {
    const first = await office.spawn(1, process.execPath, [program, 'x', 'Ann', '6631']);
    const second = await office.spawn(1, process.execPath, [program, 'y', 'Bob', '6641']);
    await first.waitFor(new RegExp(`seen.*${idOf('y')}.*6641.*"${address.replaceAll('.', '\\.')}"`));
    await second.waitFor(new RegExp(`seen.*${idOf('x')}.*6631.*"${address.replaceAll('.', '\\.')}"`));
    await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
    if (address !== '127.0.0.1') await office.removeNic(1, 1);
  }
});

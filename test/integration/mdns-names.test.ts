// needs: namespaces avahi cups
/** What a neighbour who has our names already changes: the names that we tell, the doors that they open, the certificate behind. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { PrinterView } from '../../protocol/control.ts';
import { DoctorReport } from '../../protocol/doctor.ts';
import { TestAgent } from '../office/agents.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const Status = z.looseObject({ device: z.object({ id: z.string() }) });

const scope = new Scope();
let office: Office;
let anna: TestAgent;
/** Without `.local`. */
let host: string;

beforeAll(async () => {
  office = scope.use(await startOffice(2));
  anna = scope.use(await TestAgent.start({ host: { prefix: await office.entry(1) }, name: 'Anna' }));
  await anna.json(z.unknown(), 'printer', 'share', 'PDF');
  const { device } = await anna.json(Status, 'status');
  host = `nh-${device.id.slice(0, 8)}`;
  await anna.end();
  // Host 2 takes them all: the host's name, the agent's, the printer's.
  await office.avahi(2, 'start');
  await office.spawn(2, 'avahi-publish', ['-a', '-R', `${host}.local`, '10.77.0.66']);
  await office.spawn(2, 'avahi-publish', ['-s', 'Anna', '_nethood._tcp', '7001', 'v=1']);
  await office.spawn(2, 'avahi-publish', ['-s', 'PDF (Anna)', '_ipp._tcp', '631']);
  await until(async () => (await office.run(2, 'avahi-browse', ['-rtpk', '_ipp._tcp'])).includes('\n='), {
    what: 'the rival to be announced',
    withinMs: 10_000,
  });
  await anna.start();
});
afterAll(() => scope[Symbol.asyncDispose]());

/** `=;eth0;IPv4;name;type;local;host;address;port;…` of ours, with decimal codes undone. */
async function announced(type: string): Promise<{ name: string; host: string; rest: string } | undefined> {
  const lines = (await office.run(2, 'avahi-browse', ['-rtpk', type])).split('\n');
  const line = lines.find((one) => one.startsWith('=;eth0;IPv4;') && one.includes(`;${office.address(1)};`));
  const [, , , name = '', , , target = '', , , rest = ''] = line?.split(';') ?? [];
  if (line === undefined) return undefined;
  const plain = name.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCodePoint(Number(code)));
  return { name: plain, host: target, rest };
}

/** Asks for a page at our address, by name, with our certificate as the only one that is trusted. */
async function askByName(name: string): Promise<string> {
  const script = `
    const { readFileSync } = require('node:fs');
    const { request } = require('node:https');
    const tell = (what) => process.stdout.write(String(what), () => process.exit());
    request({
      host: ${JSON.stringify(office.address(1))}, port: 6632, path: '/ipp/print/PDF', servername: ${JSON.stringify(name)},
      headers: { host: ${JSON.stringify(`${name}:6632`)} }, ca: readFileSync(0),
    }, (answer) => tell(answer.statusCode)).on('error', (error) => tell(error.code)).end();`;
  const input = await readFile(join(anna.home, 'state', 'identity-certificate.pem'), 'utf8');
  return (await office.run(2, process.execPath, ['-e', script], { input })).trim();
}

test('names that another has are exchanged, and everything tells the new ones', async () => {
  const printer = await until(
    async () => {
      const found = await announced('_ipp._tcp');
      return found?.rest.includes(`adminurl=http://${host}-2.local:6632/`) === true && found;
    },
    { what: () => `the printer to be announced: ${anna.output}`, withinMs: 10_000 },
  );
  expect(printer).toMatchObject({ name: 'PDF (Anna) (2)', host: `${host}-2.local` });
  expect(await announced('_nethood._tcp')).toMatchObject({ name: 'Anna (2)', host: `${host}-2.local` });

  const [own] = await anna.json(z.array(PrinterView), 'printers');
  expect(own?.uri).toBe(`ipp://${host}-2.local:6632/ipp/print/PDF`);
  const uri = `ipp://${office.address(1)}:6632/ipp/print/PDF`;
  const described = await office.run(2, 'ipptool', ['-tv', uri, 'get-printer-attributes.test']);
  expect(described).toContain('printer-dns-sd-name (nameWithoutLanguage) = PDF (Anna) (2)');
  expect(described).toContain(`printer-more-info (uri) = http://${host}-2.local:6632/ipp/print/PDF`);

  const report = await anna.json(DoctorReport, 'doctor');
  expect(report.hostName).toBe(`${host}-2.local`);
});

test('the door opens by the new name, by the certificate that was there before, and not by the name of the other', async () => {
  // The certificate is checked by name before anything is asked.
  expect(await askByName(`${host}-2.local`)).toBe('200');
  expect(await askByName(`${host}.local`)).toBe('400');
  expect(await askByName('nh-aaaaaaaa.local')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});

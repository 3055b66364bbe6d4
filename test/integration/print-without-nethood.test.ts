// needs: namespaces avahi cups
/**
 * A PC with nothing but a print system finds a printer that nethood shares and prints on it, with nothing set up: Avahi
 * and CUPS there, and at the owner's a CUPS that announces the same queue itself.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { TestAgent } from '../office/agents.ts';
import { makePdf } from '../office/documents.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const run = promisify(execFile);
const scope = new Scope();
const owner = 1;
const client = 2;
let office: Office;
let anna: TestAgent;
let folder: string;
let hostName: string;

beforeAll(async () => {
  office = scope.use(await startOffice(2));
  folder = await mkdtemp(join(tmpdir(), 'nh-bare-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  // The print system's filters run as another user.
  await chmod(folder, 0o711);
  await Promise.all([office.avahi(owner, 'start'), office.avahi(client, 'start')]);
  await Promise.all([cupsd(owner, { SHARED: '1', LISTEN: office.address(owner) }), cupsd(client)]);
  const host = { prefix: await office.entry(owner) };
  anna = scope.use(await TestAgent.start({ host, name: 'Anna', env: { CUPS_SERVER: socketOf(owner) } }));
  const { device } = await anna.json(z.looseObject({ device: z.object({ id: z.string() }) }), 'status');
  hostName = `nh-${device.id.slice(0, 8)}.local`;
  await resolveAtClient();
  await anna.json(z.unknown(), 'printer', 'share', 'laser');
});
afterAll(() => scope[Symbol.asyncDispose]());

const folderOf = (host: number): string => join(folder, `cups${host}`);
const socketOf = (host: number): string => join(folderOf(host), 'cups.sock');
const script = (name: string): string => join(import.meta.dirname, '../office', name);

async function cupsd(host: number, env: Record<string, string> = {}): Promise<void> {
  scope.defer(() => office.exec(host, script('cupsd-down'), ['-a', folderOf(host)]));
  await office.run(host, script('cupsd-up'), [folderOf(host), '631'], { env });
}

/** Programs there look up `.local` names as with libnss-mdns, which a desktop has. */
async function resolveAtClient(): Promise<void> {
  const names = [hostName, `${office.hostName(owner)}.local`];
  const hosts = join(folder, 'hosts');
  await writeFile(hosts, `127.0.0.1 localhost\n${office.address(owner)} ${names.join(' ')}\n`);
  await office.run(client, 'mount', ['--bind', hosts, '/etc/hosts']);
}

const atClient = (program: string, ...args: string[]): Promise<string> =>
  office.run(client, program, args, { env: { CUPS_SERVER: socketOf(client) } });

interface Announced {
  readonly name: string;
  readonly txt: ReadonlyMap<string, string>;
}

async function announced(type: string): Promise<Announced[]> {
  const lines = (await atClient('avahi-browse', '-rtpk', type)).split('\n');
  return lines
    .filter((line) => line.startsWith('=;eth0;IPv4;'))
    .map((line) => {
      const name = (line.split(';')[3] ?? '').replaceAll(/\\(\d{3})/g, (_, code: string) =>
        String.fromCharCode(Number(code)),
      );
      const txt = new Map(
        Array.from(line.matchAll(/"([^"=]+)=([^"]*)"/g), ([, key = '', value = '']) => [key, value] as const),
      );
      return { name, txt };
    });
}

const ours = (all: readonly Announced[]): Announced | undefined =>
  all.find(({ txt }) => txt.get('rp') === 'ipp/print/laser');

test('it is found by ippfind and lpstat, under another name than the print system gives the same queue', async () => {
  const uri = `ipp://${hostName}:6632/ipp/print/laser`;
  await until(async () => (await atClient('ippfind', '-T', '3', '_ipp._tcp,_print')).split('\n').includes(uri), {
    what: 'ippfind to find it',
    withinMs: 15_000,
  });
  const all = await until(
    async () => {
      const list = await announced('_ipp._tcp');
      return ours(list) !== undefined && list.some(({ txt }) => txt.get('rp') === 'printers/laser') && list;
    },
    { what: 'both announcements', withinMs: 15_000 },
  );
  const names = all.map(({ name }) => name);
  expect(names).toContain('Lab PDF (Anna)');
  expect(names).toContain(`Lab PDF @ ${office.hostName(owner)}`);
  expect(new Set(names).size).toBe(names.length);
  const list = await until(
    async () => {
      const text = await atClient('lpstat', '-l', '-e');
      return text.includes('Lab_PDF_Anna ') && text;
    },
    { what: 'lpstat to list it', withinMs: 15_000 },
  );
  expect(list).toMatch(/^Lab_PDF_Anna network none ipps:\/\/Lab%20PDF%20\(Anna\)\._ipps\._tcp\.local\//m);
});

test('what it announces and what it answers are the same, byte for byte, also by TLS', async () => {
  for (const [type, scheme] of [
    ['_ipp._tcp', 'ipp'],
    ['_ipps._tcp', 'ipps'],
  ] as const) {
    const found = ours(await announced(type));
    const uri = `${scheme}://${hostName}:6632/ipp/print/laser`;
    const answer = await atClient('ipptool', '-tv', uri, 'get-printer-attributes.test');
    const said = (attribute: string) => new RegExp(`^ +${attribute} \\([^)]+\\) = (.*)$`, 'm').exec(answer)?.[1];
    expect(said('printer-dns-sd-name')).toBe(found?.name);
    expect(said('printer-more-info')).toBe(found?.txt.get('adminurl'));
    expect(said('printer-uuid')).toBe(`urn:uuid:${found?.txt.get('UUID')}`);
    expect(said('urf-supported')).toBe(found?.txt.get('URF'));
    expect(said('document-format-supported')).toBe(`application/octet-stream,${found?.txt.get('pdl')}`);
  }
});

test('lp prints on it with nothing installed, and the page arrives', async () => {
  const document = join(folder, 'letter.pdf');
  await makePdf(document, 'Printed without nethood', 1);
  const began = performance.now();
  await atClient('lp', '-d', 'Lab_PDF_Anna', '-o', 'sides=two-sided-long-edge', document);
  const printed = join(folderOf(owner), 'printed');
  const name = await until(async () => (await readdir(printed)).find((each) => each.endsWith('.bin')), {
    what: () => `the page\n${anna.output}`,
    withinMs: 40_000,
  });
  console.log(`lp on a PC without nethood: the page arrived after ${Math.round(performance.now() - began)} ms`);
  const { stdout } = await run('pdftotext', [join(printed, name), '-']);
  expect(stdout).toContain('Printed without nethood');
  const jobs = await anna.json(z.array(z.looseObject({ from: z.string(), state: z.string() })), 'jobs');
  expect(jobs).toMatchObject([{ from: expect.stringContaining(office.address(client)) as string }]);
  const { stdout: options } = await run('cat', [join(printed, 'options')]);
  expect(options).toContain('sides=two-sided-long-edge');
});

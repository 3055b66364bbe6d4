// needs: namespaces avahi cups
/** What is shared with everyone, as foreign programs find it: Avahi's browser, CUPS' ippfind and lpstat, over the LAN. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { TestAgent } from '../office/agents.ts';
import { type CupsServer, startCups } from '../office/cups.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

/** One that `avahi-browse -rtp` resolved, by IPv4. */
interface Resolved {
  readonly name: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly txt: ReadonlyMap<string, string>;
}

const scope = new Scope();
let office: Office;
let cups: CupsServer;
let anna: TestAgent;
const client = 2;

beforeAll(async () => {
  office = scope.use(await startOffice(2));
  cups = scope.use(await startCups());
  await office.avahi(client, 'start');
  const host = { prefix: await office.entry(1) };
  anna = scope.use(await TestAgent.start({ host, name: 'Dr. Anna', env: { CUPS_SERVER: cups.server } }));
});
afterAll(() => scope[Symbol.asyncDispose]());

async function browse(type: string): Promise<Resolved[]> {
  const stdout = await office.run(client, 'avahi-browse', ['-rtpk', type]);
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('=;eth0;IPv4;'))
    .map(readLine);
}

/** `=;eth0;IPv4;name;type;local;host;address;port;"k=v" "k=v"`; `\046` is a character's code in decimal, `\.` a dot. */
function readLine(line: string): Resolved {
  const [, , , name = '', , , host = '', address = '', port = '', ...txt] = line.split(';');
  const pairs = Array.from(
    txt.join(';').matchAll(/"([^"=]+)=([^"]*)"/g),
    ([, key = '', value = '']) => [key, value] as const,
  );
  const plain = name.replaceAll(/\\(?:(\d{3})|(.))/g, (_, code?: string, char?: string) =>
    code === undefined ? (char ?? '') : String.fromCharCode(Number(code)),
  );
  return { name: plain, host, address, port: Number(port), txt: new Map(pairs) };
}

function found(type: string, wanted: (all: readonly Resolved[]) => boolean, withinMs = 8_000): Promise<Resolved[]> {
  let last: Resolved[] = [];
  return until(
    async () => {
      last = await browse(type);
      return wanted(last) ? last : undefined;
    },
    { what: () => `${type} to be announced so: ${JSON.stringify(last)}\n${anna.output}`, withinMs },
  );
}

const script = (name: string): string => join(import.meta.dirname, '../office', name);
const named = (all: readonly Resolved[]): string[] => all.map(({ name }) => name).toSorted();
const hostName = async (): Promise<string> => {
  const { device } = await anna.json(z.looseObject({ device: z.object({ id: z.string() }) }), 'status');
  return `nh-${device.id.slice(0, 8)}.local`;
};

describe('a printer that is shared with everyone', () => {
  it('is announced under one name as _ipp and _ipps, with what clients look for', async () => {
    expect(await browse('_ipp._tcp')).toEqual([]);
    await anna.json(z.unknown(), 'printer', 'share', 'laser');
    const [plain] = await found('_ipp._tcp', (all) => all.length === 1);
    const [tls] = await found('_ipps._tcp', (all) => all.length === 1);
    expect(plain).toMatchObject({ host: await hostName(), address: office.address(1), port: 6632 });
    expect(plain?.name).toMatch(/ \(Dr\. Anna\)$/);
    expect(tls).toEqual(plain);
    const txt = Object.fromEntries(plain?.txt ?? []);
    expect(txt).toMatchObject({
      txtvers: '1',
      qtotal: '1',
      rp: 'ipp/print/laser',
      TLS: '1.2',
      air: 'none',
      priority: '50',
      adminurl: `http://${await hostName()}:6632/ipp/print/laser`,
      pdl: expect.stringContaining('application/pdf') as string,
      UUID: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string,
      Color: expect.stringMatching(/^[TF]$/) as string,
      Duplex: expect.stringMatching(/^[TF]$/) as string,
      PaperMax: 'legal-A4',
    });
  });

  it.each([
    '_universal._sub._ipp._tcp',
    '_print._sub._ipp._tcp',
    '_universal._sub._ipps._tcp',
    '_print._sub._ipps._tcp',
  ])('is found by the subtype %s', async (subtype) => {
    const [printer] = await found(subtype, (all) => all.length === 1);
    expect(printer?.port).toBe(6632);
  });

  it('is found by ippfind, and answers where that says', async () => {
    const stdout = await office.run(client, 'ippfind', ['-T', '5', '_ipp._tcp,_universal']);
    expect(stdout.trim()).toBe(`ipp://${await hostName()}:6632/ipp/print/laser`);
    const uri = `ipp://${office.address(1)}:6632/ipp/print/laser`;
    const answer = await office.run(client, 'ipptool', ['-tv', uri, 'get-printer-attributes.test']);
    expect(answer).toContain('[PASS]');
    const [plain] = await browse('_ipp._tcp');
    expect(answer).toContain(`printer-uuid (uri) = urn:uuid:${plain?.txt.get('UUID') ?? ''}`);
    expect(answer).toContain(`printer-more-info (uri) = ${plain?.txt.get('adminurl') ?? ''}\n`);
  });

  it('is listed by lpstat on a PC that knows nothing of nethood', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nh-client-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    scope.defer(() => office.exec(client, script('cupsd-down'), ['-a', folder]));
    // Any port will do: it listens in a host of its own.
    await office.run(client, script('cupsd-up'), [folder, '6310']);
    const env = { CUPS_SERVER: join(folder, 'cups.sock') };
    const list = await until(
      async () => {
        const { stdout } = await office.exec(client, 'lpstat', ['-l', '-e'], { env });
        return stdout.includes('Anna') ? stdout : undefined;
      },
      { what: 'lpstat to list the printer', withinMs: 15_000, everyMs: 500 },
    );
    expect(list).toMatch(/^Lab_PDF_Dr_Anna network none ipps:\/\/Lab%20PDF%20\(Dr.*Anna\)\._ipps\._tcp\.local\//m);
  });

  it('is announced anew when its location changes', async () => {
    await cups.command('lpadmin', '-p', 'laser', '-L', 'room 42');
    const [plain] = await found('_ipp._tcp', (all) => all[0]?.txt.get('note') === 'room 42', 20_000);
    const [tls] = await found('_ipps._tcp', (all) => all[0]?.txt.get('note') === 'room 42');
    expect(tls).toEqual(plain);
  });

  it('is announced beside another one, and both under the new name of the device', async () => {
    await anna.json(z.unknown(), 'printer', 'share', 'PDF');
    await found('_ipp._tcp', (all) => all.length === 2);
    await anna.json(z.unknown(), 'name', 'Anna');
    const all = await found(
      '_ipp._tcp',
      (list) => list.length === 2 && list.every(({ name }) => name.endsWith(' (Anna)')),
    );
    expect(named(all)).toEqual(named(await found('_ipps._tcp', (list) => list.length === 2)));
    expect(new Set(all.map(({ txt }) => txt.get('UUID'))).size).toBe(2);
    await found('_nethood._tcp', (list) => named(list).join() === 'Anna');
  });

  it('is gone soon after it is shared no more, and the other one stays', async () => {
    await anna.json(z.unknown(), 'printer', 'unshare', 'laser');
    const began = performance.now();
    const left = await found('_ipp._tcp', (all) => all.length === 1);
    console.log(`gone after ${Math.round(performance.now() - began)} ms`);
    expect(left[0]?.txt.get('rp')).toBe('ipp/print/PDF');
    await found('_universal._sub._ipps._tcp', (all) => all.length === 1);
  });

  it('is not announced when it is for some, or while sharing is paused', async () => {
    await anna.json(z.unknown(), 'printer', 'share', 'laser', '--for', 'colleagues');
    expect(named(await found('_ipp._tcp', (all) => all.length === 1))).toEqual([expect.stringContaining('PDF')]);
    await anna.json(z.unknown(), 'pause');
    await found('_ipp._tcp', (all) => all.length === 0);
    await found('_nethood._tcp', (all) => all.length === 1);
    await anna.json(z.unknown(), 'resume');
    await found('_ipp._tcp', (all) => all.length === 1);
  });

  it('says goodbye with its agent', async () => {
    await anna.nethood('stop');
    await found('_ipp._tcp', (all) => all.length === 0);
    await found('_ipps._tcp', (all) => all.length === 0);
    await found('_nethood._tcp', (all) => all.length === 0);
  });
});

/** Anna's gateway before Berta's printer: what is installed, who gets through its door, and what it says while she is away. */
import { createServer } from 'node:http';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import {
  firstBoolean,
  firstString,
  groupOf,
  name,
  requestOf,
  stringsOf,
  uri,
} from '../../agent/printing/ipp-attributes.ts';
import { decodeIpp } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import type { OperationName } from '../../agent/printing/ipp-tables.ts';
import type { AttributeGroup, IppResponse } from '../../agent/printing/ipp-values.ts';
import type { LocalPrintService } from '../../agent/printing/print-service-deps.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { until } from '../office/until.ts';
import { FrontClient, onePagePdf, statusOf } from './front-client.ts';
import { MemoryInstaller } from './memory-installer.ts';
import { berta, neighbourOffice, type Office } from './neighbour-office.ts';
import { startPrinting } from './print-support.ts';
import { fastClock } from './scripted-device.ts';

const never = new AbortController().signal;
const path = `/ipp/print/${berta().id}/laser`;
const where = `ipp://127.0.0.1${path}`;

let scope: Scope;
let folder: string;
let office: Office;
let installer: MemoryInstaller;
let service: LocalPrintService;
let client: FrontClient;

async function startService(): Promise<LocalPrintService> {
  const options = { backends: {}, neighbours: office.neighbours, clock: fastClock(), folder, installer };
  return (await startPrinting(options)).service;
}

beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'nh-gateway-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  office = scope.use(await neighbourOffice());
  installer = new MemoryInstaller();
  service = await startService();
  scope.defer(() => service[Symbol.asyncDispose]());
  const server = createServer((request, response) => {
    service.gateway.handle(request.url ?? '', { request, response, signal: never }).catch((error: NethoodError) => {
      response.writeHead(error.code === 'not-found' ? 404 : 500).end(error.message);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  scope.defer(() => server.closeAllConnections());
  scope.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  client = new FrontClient(() => ({ port, server, uri: () => where, [Symbol.asyncDispose]: () => Promise.resolve() }));
});
afterEach(() => scope[Symbol.asyncDispose]());

const secretUri = (): URL =>
  new URL((installer.queues.get('Laser-in-room-1_berta-on-desk')?.secretUri ?? '').replace('ipp', 'http'));
const key = (): string => `Basic ${Buffer.from(`${secretUri().username}:${secretUri().password}`).toString('base64')}`;
const install = (): ReturnType<LocalPrintService['install']> => service.install('berta on desk/laser', never);

describe('an installed printer', () => {
  it('is a queue that leads to the gateway with a secret of its own, and is for one user alone', async () => {
    expect(await install()).toEqual({
      queue: 'Laser-in-room-1_berta-on-desk',
      printer: 'berta on desk/laser',
      command: null,
    });
    const [queue] = installer.queues.values();
    expect(queue).toMatchObject({
      info: 'Laser in room 1 (berta on desk)',
      uri: `ipp://127.0.0.1:6630${path}`,
      user: 'berta',
    });
    expect(queue?.secretUri).toMatch(
      new RegExp(`^ipp://nethood:[a-z2-7]{26}@127.0.0.1:6630${path}\\?waitjob=false&waitprinter=false$`),
    );
  });

  it('is the same one when installed again, and after a restart', async () => {
    await install();
    const before = key();
    expect((await service.install('berta on desk/Laser in room 1', never)).queue).toBe('Laser-in-room-1_berta-on-desk');
    await service[Symbol.asyncDispose]();
    service = await startService();
    await install();
    expect([installer.queues.size, key()]).toEqual([1, before]);
  });

  it('leaves nothing where its queue could not be made', async () => {
    installer.fault = new NethoodError('unavailable', 'No driver.');
    await expect(install()).rejects.toMatchObject({ code: 'unavailable' });
    expect(await readdir(join(folder, 'installed'))).toEqual(['doors.json']);
  });

  it('is for somebody else to make where the user may not', async () => {
    installer.fault = new NethoodError('not-permitted', 'Not you.');
    const { command } = await install();
    const file = /^add Laser-in-room-1_berta-on-desk (.*\.ipp)$/.exec(command ?? '')?.[1] ?? '';
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('is not found where the neighbour does not share it with us, nor where there is no such neighbour', async () => {
    for (const text of ['berta on desk/secret', 'nobody/laser', 'laser'])
      await expect(service.install(text, never)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is uninstalled by any of its names, and its door is gone', async () => {
    for (const text of ['berta on desk/laser', 'berta on desk/Laser in room 1', 'Laser-in-room-1_berta-on-desk']) {
      await install();
      await service.uninstall(text, never);
      expect(installer.queues.size).toBe(0);
      expect((await client.post(Buffer.alloc(8), {}, path)).status).toBe(404);
    }
    await expect(service.uninstall('berta on desk/laser', never)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is uninstalled though its neighbour is forgotten', async () => {
    await install();
    office.neighbours.list = () => [];
    office.neighbours.get = () => undefined;
    expect(await service.uninstall('berta on desk/laser', never)).toMatchObject({ command: null });
  });

  it('loses its door even where the user may not remove the queue', async () => {
    await install();
    installer.fault = new NethoodError('not-permitted', 'Not you.');
    expect((await service.uninstall('berta on desk/laser', never)).command).toBe(
      'remove Laser-in-room-1_berta-on-desk',
    );
    expect((await client.post(Buffer.alloc(8), {}, path)).status).toBe(404);
  });

  it('is led to where the gateway is now', async () => {
    await install();
    const [queue] = installer.queues.values();
    if (queue !== undefined) installer.queues.set(queue.name, { ...queue, uri: queue.uri.replace('6630', '6640') });
    await service[Symbol.asyncDispose]();
    service = await startService();
    await until(() => [...installer.queues.values()][0]?.uri.includes(':6630/') === true, {
      what: 'the queue to lead here',
      withinMs: 5_000,
    });
    expect(service.problems()).toEqual([]);
  });

  it('is said to lead astray where that may not be mended', async () => {
    await install();
    const [queue] = installer.queues.values();
    if (queue !== undefined) installer.queues.set(queue.name, { ...queue, uri: queue.uri.replace('6630', '6640') });
    installer.fault = new NethoodError('not-permitted', 'Not you.');
    await service[Symbol.asyncDispose]();
    service = await startService();
    await until(() => service.problems().length > 0, { what: 'the problem', withinMs: 5_000 });
    expect(service.problems().join()).toContain('Laser-in-room-1_berta-on-desk');
  });
});

describe('the file of doors', () => {
  it('is for nobody else, and holds what is not known by heart', async () => {
    await install();
    for (const file of await readdir(join(folder, 'installed')))
      expect((await stat(join(folder, 'installed', file))).mode & 0o777).toBe(0o600);
  });

  it('is put aside when it is damaged, and that is said', async () => {
    await install();
    await service[Symbol.asyncDispose]();
    await writeFile(join(folder, 'installed', 'doors.json'), '{"version":1,"doors":[{"id":"../../x"}]}');
    service = await startService();
    expect(service.problems().join()).toContain('damaged');
    expect(await readFile(join(folder, 'installed', 'doors.json.broken'), 'utf8')).toContain('../../x');
    expect((await client.post(Buffer.alloc(8), {}, path)).status).toBe(404);
  });
});

/** With a user's name and a document, as CUPS' backend sends them. */
async function ask(operation: OperationName, headers: Record<string, string> = {}, to = where): Promise<HttpReply> {
  const subject = { 'printer-uri': uri(to), 'requesting-user-name': name('anna'), 'job-name': name('Letter') };
  const bytes = Buffer.concat([encodeIpp(requestOf(operation, subject)), onePagePdf]);
  const { status, headers: given, body } = await client.post(bytes, headers, path);
  return { status, challenge: given['www-authenticate'], message: () => decodeIpp(body, 'response').message };
}
interface HttpReply {
  readonly status: number;
  readonly challenge: unknown;
  readonly message: () => IppResponse;
}
const described = async (): Promise<AttributeGroup> =>
  groupOf((await ask('Get-Printer-Attributes')).message(), 'printer');

describe('the door', () => {
  beforeEach(() => install());

  it('tells everybody on this PC what the printer can do, and wants the key for all else', async () => {
    expect((await ask('Get-Printer-Attributes')).status).toBe(200);
    for (const operation of ['Print-Job', 'Validate-Job', 'Create-Job', 'Get-Jobs', 'Identify-Printer'] as const) {
      expect(await ask(operation)).toMatchObject({ status: 401, challenge: 'Basic realm="nethood", charset="UTF-8"' });
      expect(await ask(operation, { authorization: `${key().slice(0, -4)}aaa=` })).toMatchObject({ status: 401 });
    }
    expect(service.jobs()).toEqual([]);
  });

  it('takes a job of the user, which prints at its owner', async () => {
    const answer = (await ask('Print-Job', { authorization: key() })).message();
    expect(statusOf(answer)).toBe('successful-ok');
    await until(async () => (await office.printed()) === 1, { what: 'the page', withinMs: 5_000 });
    expect(service.jobs()).toMatchObject([
      { printer: 'berta on desk/laser', name: 'Letter', from: 'anna on berta on desk', own: true },
    ]);
  });

  it('is not there for a printer that is not installed', async () => {
    for (const other of [
      `${path}2`,
      `${path}/1`,
      path.replace('d', 'e'),
      '/ipp/print/laser',
      '/ipp/print/%2e%2e/laser',
    ])
      expect(await client.post(Buffer.alloc(8), { authorization: key() }, other)).toMatchObject({ status: 404 });
  });

  it('does not lead to another printer than its own', async () => {
    const other = await ask('Print-Job', { authorization: key() }, where.replace('/laser', '/secret'));
    expect(statusOf(other.message())).toBe('client-error-not-found');
    expect(service.jobs()).toEqual([]);
  });

  it('names itself in what it tells, not the printer behind it', async () => {
    const { port } = new URL(firstString(await described(), 'printer-uri-supported') ?? '');
    expect(stringsOf(await described(), 'printer-uri-supported')).toEqual([`ipp://127.0.0.1:${port}${path}`]);
    expect(stringsOf(await described(), 'uri-authentication-supported')).toEqual(['basic']);
    expect(firstString(await described(), 'printer-info')).toBe('Laser in room 1');
  });
});

describe('while the neighbour is away', () => {
  beforeEach(async () => {
    await install();
    office.neighbours.set(berta({ state: 'gone' }));
    await office.goAway();
  });

  it('the printer tells what it told last, that it is away, and that it takes jobs', async () => {
    const now = await described();
    expect(stringsOf(now, 'printer-state-reasons')).toEqual(['offline-report']);
    expect(firstBoolean(now, 'printer-is-accepting-jobs')).toBe(true);
    expect(stringsOf(now, 'document-format-supported')).toContain('application/pdf');
  });

  it('also after a restart of ours', async () => {
    await service[Symbol.asyncDispose]();
    service = await startService();
    expect(stringsOf(await described(), 'document-format-supported')).toContain('application/pdf');
  });

  it('a job waits, and prints once when she is back', async () => {
    expect(statusOf((await ask('Print-Job', { authorization: key() })).message())).toBe('successful-ok');
    expect(await office.printed()).toBe(0);
    await office.comeBack();
    office.neighbours.set(berta());
    await until(() => service.jobs()[0]?.state === 'completed', { what: 'the job to print', withinMs: 5_000 });
    expect(await office.printed()).toBe(1);
  });
});

it('A printer that its owner no longer shares takes no jobs, so that the print system keeps them', async () => {
  await install();
  office.neighbours.set(berta({ resources: { shares: [], printers: [] } }));
  expect(firstBoolean(await described(), 'printer-is-accepting-jobs')).toBe(false);
  const refused = (await ask('Print-Job', { authorization: key() })).message();
  expect(statusOf(refused)).toBe('server-error-not-accepting-jobs');
});

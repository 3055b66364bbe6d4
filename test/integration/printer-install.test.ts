// needs: namespaces cups
/**
 * A neighbour's printer in the print dialogs of another PC: `printer install`, then `lp` as every program does. The
 * printer is for listed devices alone; each PC has a cupsd of its own, Bob's as strict as Debian sets it up.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { requestOf, uri } from '../../agent/printing/ipp-attributes.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import type { OperationName } from '../../agent/printing/ipp-tables.ts';
import { JobView, NeighbourView, PrinterView, Snapshot } from '../../protocol/control.ts';
import { InstalledPrinter } from '../../protocol/print-order.ts';
import { type CliResult, TestAgent } from '../office/agents.ts';
import { type CupsServer, startCups } from '../office/cups.ts';
import { makePdf } from '../office/documents.ts';
import { type Finished, type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const run = promisify(execFile);
/** Another user of Bob's PC. */
const nobody = { id: 65534, words: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] };
const Doors = z.looseObject({ doors: z.array(z.looseObject({ secret: z.string().length(26) })) });

const scope = new Scope();
let office: Office;
let folder: string;
let pdf: string;
let annasCups: CupsServer;
let bobsCups: CupsServer;
let anna: TestAgent;
let bob: TestAgent;
let dave: TestAgent;
let annasId: string;
let queue: string;

async function prepare(host: number, name: string, cups?: CupsServer, user: string[] = []): Promise<TestAgent> {
  const env: Record<string, string> = cups === undefined ? {} : { CUPS_SERVER: cups.server };
  return scope.use(await TestAgent.prepare({ host: { prefix: [...(await office.entry(host)), ...user] }, name, env }));
}

const printersOf = (agent: TestAgent): Promise<PrinterView[]> => agent.json(z.array(PrinterView), 'printers');
const jobsOf = (agent: TestAgent): Promise<JobView[]> => agent.json(z.array(JobView), 'jobs');
const neighbourReady = (agent: TestAgent, name: string): Promise<unknown> =>
  until(
    async () => {
      const list = await agent.json(z.array(NeighbourView), 'neighbours');
      return list.some((each) => each.name === name && each.state === 'ready');
    },
    { what: () => `${name} to be there: ${agent.output}`, withinMs: 15_000 },
  );
const seesAnnasPrinter = (agent: TestAgent): Promise<PrinterView> =>
  until(async () => (await printersOf(agent)).find(({ owner, id }) => owner === 'Anna' && id === 'laser'), {
    what: "Anna's printer",
    withinMs: 10_000,
  });

/** `lp` on Bob's PC, as Bob's user or as another one. */
function lp(words: readonly string[], user: readonly string[] = []): Promise<Finished> {
  const [program = 'lp', ...rest] = user;
  const all = user.length === 0 ? [...words, pdf] : [...rest, 'lp', ...words, pdf];
  // Nothing to read: who is asked for a password gives none.
  const env = { PATH: process.env['PATH'] ?? '', CUPS_SERVER: bobsCups.server, HOME: '/nonexistent' };
  return office.exec(2, program, all, { env, input: '' });
}
let printed = 0;
async function printsOneMore(): Promise<void> {
  printed++;
  await until(async () => (await annasCups.printed()).length >= printed, {
    what: () => `document ${printed} at Anna's: ${bob.output}`,
    withinMs: 30_000,
  });
  expect(await annasCups.printed()).toHaveLength(printed);
}

/** Straight to the gateway, as any program of Bob's PC can. */
async function ask(operation: OperationName, headers: readonly string[] = [], base = 6630): Promise<string> {
  const path = `/ipp/print/${annasId}/laser`;
  const body = join(folder, `${operation}.ipp`);
  await writeFile(body, encodeIpp(requestOf(operation, { 'printer-uri': uri(`ipp://127.0.0.1:${base}${path}`) })));
  const words = ['-s', '-i', '-o', '-', '-H', 'content-type: application/ipp', '--data-binary', `@${body}`];
  const all = [...words, ...headers.flatMap((header) => ['-H', header]), `http://127.0.0.1:${base}${path}`];
  return office.run(2, 'curl', all);
}
const basic = (secret: string): string => `authorization: Basic ${Buffer.from(`nethood:${secret}`).toString('base64')}`;
async function secretOf(agent: TestAgent): Promise<string> {
  const text = await readFile(join(agent.home, 'state', 'installed', 'doors.json'), 'utf8');
  return Doors.parse(JSON.parse(text)).doors[0]?.secret ?? '';
}

beforeAll(async () => {
  office = scope.use(await startOffice(2));
  folder = await mkdtemp(join(tmpdir(), 'nh-install-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  pdf = join(folder, 'page.pdf');
  await makePdf(pdf, 'Through the print dialog', 1);
  annasCups = scope.use(await startCups());
  // What people turn on to find a fault. (With debug2 cupsd writes every attribute of every request.)
  const strict = { POLICY: 'guarded', LOGLEVEL: 'debug' };
  bobsCups = scope.use(await startCups({ prefix: await office.entry(2), env: strict }));
  anna = await prepare(1, 'Anna', annasCups);
  bob = await prepare(2, 'Bob', bobsCups);
  // Another device, though on Bob's PC: it is its key that counts.
  dave = await prepare(2, 'Dave', bobsCups, nobody.words);
  await chown(dave.home, nobody.id, nobody.id);
  await Promise.all([anna.start(), bob.start()]);
  await dave.start();
  await Promise.all([neighbourReady(anna, 'Bob'), neighbourReady(bob, 'Anna'), neighbourReady(dave, 'Anna')]);
  annasId = (await anna.json(Snapshot.pick({ device: true }).loose(), 'status')).device.id;
  await anna.json(z.unknown(), 'printer', 'share', 'laser', '--for', 'Bob');
  await seesAnnasPrinter(bob);
});
afterAll(() => scope[Symbol.asyncDispose]());

describe('a printer that a neighbour shares with Bob alone', () => {
  it('becomes a queue of his print system', async () => {
    const began = performance.now();
    const installed = await bob.json(InstalledPrinter, 'printer', 'install', 'Anna/laser');
    console.log(`installed after ${Math.round(performance.now() - began)} ms`);
    expect(installed).toEqual({ queue: 'Lab-PDF_Anna', printer: 'Anna/laser', command: null });
    ({ queue } = installed);
    expect(await bobsCups.command('lpstat', '-p', queue)).toContain('is idle');
    const ppd = await readFile(join(bobsCups.folder, 'etc', 'ppd', `${queue}.ppd`), 'utf8');
    expect(ppd).toMatch(/^\*PageSize A4/m);
    expect(ppd).toContain('*cupsFilter2: "application/vnd.cups-pdf application/pdf 10 -"');
    await until(async () => (await seesAnnasPrinter(bob)).installed === queue, { what: 'the queue', withinMs: 10_000 });
  });

  it('is the same queue when it is installed again', async () => {
    expect((await bob.json(InstalledPrinter, 'printer', 'install', 'Anna/Lab PDF')).queue).toBe(queue);
    expect(await bobsCups.command('lpstat', '-e')).toBe(`broken\n${queue}\nlaser\n`);
  });

  it('prints what lp is given, once', async () => {
    expect(await lp(['-d', queue, '-t', 'By lp'])).toMatchObject({ code: 0 });
    await printsOneMore();
    await until(async () => (await jobsOf(bob))[0]?.state === 'completed', { what: 'the end', withinMs: 10_000 });
    expect(await annasCups.printedWith('titles')).toEqual([expect.stringContaining('By lp')]);
    expect(await jobsOf(bob)).toMatchObject([{ printer: 'Anna/laser', own: true, name: 'By lp', from: 'root on Bob' }]);
  });

  it('is never shared again by nethood', async () => {
    const again = await bob.nethood('printer', 'share', queue, '--json');
    expect([again.code, again.stdout]).toEqual([5, expect.stringContaining('not-permitted')]);
  });

  it('is not there for another device', async () => {
    const refused = await dave.nethood('printer', 'install', 'Anna/laser', '--json');
    expect([refused.code, refused.stdout]).toEqual([4, expect.stringContaining('not-found')]);
  });

  it('is not for another user of his PC, whoever that claims to be', async () => {
    for (const claim of [[], ['-U', 'root']]) {
      const refused = await lp([...claim, '-d', queue], nobody.words);
      expect(refused.code).not.toBe(0);
    }
    expect(await lp(['-U', 'mallory', '-d', queue])).not.toMatchObject({ code: 0 });
    expect(await jobsOf(bob)).toHaveLength(1);
  });
});

describe('the gateway', () => {
  it('tells whoever asks what the printer can do, as cupsd needs it', async () => {
    const answer = await ask('Get-Printer-Attributes');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('iso_a4_210x297mm');
  });

  it('wants the secret for all else', async () => {
    const secret = await secretOf(bob);
    const { token } = z
      .looseObject({ token: z.string() })
      .parse(JSON.parse(await readFile(join(bob.home, 'run', 'agent.json'), 'utf8')));
    const wrong = [[], [basic(secret.replace(/.$/, '1'))], [basic('')], [`authorization: Bearer ${token}`]];
    for (const headers of wrong)
      for (const operation of ['Get-Jobs', 'Create-Job', 'Print-Job'] as const)
        expect(await ask(operation, headers)).toMatch(/^HTTP\/1\.1 401 [^]*www-authenticate: Basic realm="nethood"/i);
    expect(await ask('Get-Jobs', [basic(secret)])).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('does not speak to pages, nor under other names', async () => {
    const secret = basic(await secretOf(bob));
    const get = 'Get-Printer-Attributes';
    expect(await ask(get, [secret, 'origin: http://127.0.0.1:6630'])).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask(get, [secret, 'sec-fetch-site: cross-site'])).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask(get, [secret, 'host: rebound.test:6630'])).toMatch(/^HTTP\/1\.1 421 /);
  });

  it('keeps its secret out of logs and out of the reach of others', async () => {
    const secret = await secretOf(bob);
    expect(secret).toHaveLength(26);
    const logs = await run('grep', [
      '-rlF',
      secret,
      join(bobsCups.folder, 'log'),
      join(bob.home, 'state', 'logs'),
    ]).then(
      ({ stdout }) => stdout,
      () => 'nowhere',
    );
    expect(logs).toBe('nowhere');
    expect(await bobsCups.command('lpstat', '-v')).not.toContain(secret);
    for (const name of await readdir(join(bob.home, 'state', 'installed')))
      expect((await stat(join(bob.home, 'state', 'installed', name))).mode & 0o077).toBe(0);
    expect((await stat(join(bob.home, 'state', 'installed'))).mode & 0o077).toBe(0);
    const conf = join(bobsCups.folder, 'etc', 'printers.conf');
    // A stop makes cupsd write it down.
    await bobsCups.stop();
    await bobsCups.up();
    expect(await readFile(conf, 'utf8')).toContain(secret);
    expect((await stat(conf)).mode & 0o007).toBe(0);
  });
});

describe('while the neighbour is away', () => {
  it('the queue takes jobs, which wait in the outbox and print once when she is back', async () => {
    await anna.end();
    await until(async () => !(await printersOf(bob)).some(({ owner }) => owner === 'Anna'), {
      what: 'Anna to be gone',
      withinMs: 20_000,
    });
    expect(await lp(['-d', queue, '-t', 'For later'])).toMatchObject({ code: 0 });
    const job = await until(async () => (await jobsOf(bob)).find(({ name }) => name === 'For later'), {
      what: 'the job in the outbox',
      withinMs: 15_000,
    });
    expect(job).toMatchObject({ printer: 'Anna/laser', state: expect.stringMatching(/^pending|processing/) as string });
    expect(await ask('Get-Printer-Attributes')).toContain('offline-report');
    await until(async () => (await bobsCups.command('lpstat', '-o', queue)) === '', {
      what: 'CUPS to have given the job away',
      withinMs: 10_000,
    });
    await anna.start();
    await printsOneMore();
  });

  it('the same after a start on other ports', async () => {
    await bob.end();
    const other = await office.spawn(2, process.execPath, [
      '-e',
      "require('net').createServer().listen(6630, '127.0.0.1', () => console.log('up'))",
    ]);
    await other.waitFor(/up/);
    await bob.start();
    await until(async () => (await bobsCups.command('lpstat', '-v', queue)).includes(':6650/'), {
      what: () => `the queue to be led to the new port: ${bob.output}`,
      withinMs: 15_000,
    });
    expect(await lp(['-d', queue, '-t', 'Moved'])).toMatchObject({ code: 0 });
    await printsOneMore();
    await other[Symbol.asyncDispose]();
  });
});

describe('printer uninstall', () => {
  it('leaves neither queue nor door', async () => {
    const gone = await bob.json(InstalledPrinter, 'printer', 'uninstall', 'Anna/laser');
    expect(gone).toEqual({ queue, printer: 'Anna/laser', command: null });
    expect(await bobsCups.command('lpstat', '-e')).not.toContain(queue);
    expect(await ask('Get-Printer-Attributes', [], 6650)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await readdir(join(bob.home, 'state', 'installed'))).toEqual(['doors.json']);
    const again = await bob.nethood('printer', 'uninstall', 'Anna/laser', '--json');
    expect([again.code, again.stdout]).toEqual([4, expect.stringContaining('not-found')]);
  });

  it('works where the print system has lost the queue already', async () => {
    await bob.json(InstalledPrinter, 'printer', 'install', 'Anna/laser');
    await bobsCups.command('lpadmin', '-x', queue);
    expect(await bob.json(InstalledPrinter, 'printer', 'uninstall', queue)).toMatchObject({ queue, command: null });
  });
});

const byDave = async (verb: 'install' | 'uninstall'): Promise<[CliResult, InstalledPrinter]> => {
  const result = await dave.nethood('printer', verb, 'Anna/laser', '--json');
  return [result, InstalledPrinter.parse(JSON.parse(result.stdout))];
};

describe('a user who may not add printers', () => {
  it('is told the command for one who may, without the secret in it', async () => {
    await anna.json(z.unknown(), 'printer', 'share', 'laser', '--for', 'Bob,Dave');
    await seesAnnasPrinter(dave);
    const [{ code }, { command }] = await byDave('install');
    expect(code).toBe(5);
    expect(command).toMatch(/^sudo curl /);
    expect(command).not.toContain(await secretOf(dave));
    expect((await seesAnnasPrinter(dave)).installed).toBeNull();
    // As root, which this test is.
    await office.run(2, 'sh', ['-c', command?.replace('sudo ', '') ?? '']);
    await until(async () => (await seesAnnasPrinter(dave)).installed === queue, {
      what: 'the queue',
      withinMs: 15_000,
    });
    expect(await lp(['-d', queue, '-t', "Dave's"], nobody.words)).toMatchObject({ code: 0 });
    await printsOneMore();
  });

  it('ends it all the same: the door is closed, whoever removes the queue', async () => {
    const [{ code }, { command }] = await byDave('uninstall');
    expect([code, command]).toEqual([5, `sudo lpadmin -x ${queue}`]);
    expect(await readdir(join(dave.home, 'state', 'installed'))).toEqual(['doors.json']);
  });
});

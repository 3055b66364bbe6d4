// needs: cups
/** The IPP front as real clients see it: Debian's ipptool, its own test files, documents made by ghostscript. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { createCupsBackend } from '../../agent/platform/cups.ts';
import { openPdfPrinter } from '../../agent/platform/pdf-printer.ts';
import { QueueName } from '../../protocol/ids.ts';
import { startCups, type CupsServer } from '../office/cups.ts';
import { makePdf } from '../office/documents.ts';
import { until } from '../office/until.ts';
import {
  guest,
  listenFront,
  memoryConfig,
  startPrinting,
  type TestFront,
  type TestPrinting,
} from '../printing/print-support.ts';

const run = promisify(execFile);
const everyone = (...queues: string[]) =>
  memoryConfig({ printers: queues.map((queue) => ({ queue: QueueName.parse(queue), audience: 'everyone' })) });

let folder: string;
let pdf: string;
let cups: CupsServer;
let printing: TestPrinting;
let front: TestFront;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-front-'));
  pdf = join(folder, 'report.pdf');
  await makePdf(pdf, 'A page for the front', 2);
  cups = await startCups();
  const pdfPrinter = await openPdfPrinter({
    folder: join(folder, 'files'),
    stateFolder: join(folder, 'pdf'),
    clock: systemClock,
  });
  const cupsBackend = createCupsBackend({
    env: { CUPS_SERVER: cups.server },
    clock: systemClock,
    log: silentLog,
    instances: () => new Set(),
  });
  printing = await startPrinting({
    backends: { cups: cupsBackend, pdf: pdfPrinter },
    config: everyone('PDF', 'laser'),
    folder: join(folder, 'home'),
  });
  front = await listenFront(
    () => printing.service.ippRoute,
    () => guest,
  );
  await until(() => printing.service.printers().length === 3, { what: 'the printers', withinMs: 10_000 });
});

afterAll(async () => {
  await front?.[Symbol.asyncDispose]();
  await printing?.[Symbol.asyncDispose]();
  await cups?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Output of a run in which every test of the file passed. */
async function ipptool(uri: string, file: string, ...options: string[]): Promise<string> {
  const path = join('/usr/share/cups/ipptool', file);
  const { stdout } = await run('ipptool', ['-t', '-T', '20', '-f', pdf, ...options, uri, path]).catch(
    (error: { stdout: string; stderr: string }) => ({ stdout: `${error.stdout}${error.stderr}` }),
  );
  expect(stdout, file).toContain('[PASS]');
  expect(stdout, file).not.toContain('[FAIL]');
  return stdout;
}

describe.each(['PDF', 'laser'])("Debian's ipptool at the front of %s", (queue) => {
  const files = [
    'get-printer-attributes',
    'validate-job',
    'print-job',
    'get-jobs',
    'create-job',
    'print-job-gzip',
    'print-job-deflate',
  ];
  test.each(files)('passes %s.test', async (file) => {
    await ipptool(front.uri(queue), `${file}.test`);
  });

  test('prints what it sent by chunks and by length', async () => {
    const before = printing.service.jobs().length;
    await ipptool(front.uri(queue), 'print-job.test', '-C');
    await ipptool(front.uri(queue), 'print-job.test', '-L');
    const jobs = () => printing.service.jobs().slice(before);
    await until(() => jobs().length === 2 && jobs().every(({ state }) => state === 'completed'), {
      what: () => JSON.stringify(jobs()),
      withinMs: 30_000,
    });
  });
});

test('what comes out is what was sent, byte for byte', async () => {
  await ipptool(front.uri('PDF'), 'print-job.test');
  // Jobs of the tests before may still be on their way there; in the end nothing hidden is left.
  const names = await until(
    async () => {
      const there = await readdir(join(folder, 'files'));
      return there.length > 0 && !there.some((name) => name.startsWith('.')) && there;
    },
    { what: 'whole files alone', withinMs: 30_000 },
  );
  const [name = ''] = names;
  expect(await readFile(join(folder, 'files', name))).toEqual(await readFile(pdf));
});

test('a queue that is not shared answers as one that does not exist', async () => {
  const answers = ['broken', 'nobody'].map(async (queue) => {
    const { stdout } = await run('ipptool', ['-tv', front.uri(queue), 'get-printer-attributes.test']).catch(
      (error: { stdout: string }) => error,
    );
    return stdout.replaceAll(queue, 'QUEUE');
  });
  const [hidden, missing] = await Promise.all(answers);
  expect(hidden).toContain('status-code = client-error-not-found');
  expect(hidden).toBe(missing);
});

// needs: cups
/**
 * The front under the suites that print systems are held against: Debian's ipp-1.1, ipp-2.0 and ipp-everywhere (RFC 8011,
 * PWG 5100.12, PWG 5100.14), before a shared queue of a real CUPS and before the built-in PDF printer.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { silentLog } from '../../agent/base/log.ts';
import { createCupsBackend } from '../../agent/platform/cups.ts';
import { openPdfPrinter } from '../../agent/platform/pdf-printer.ts';
import { QueueName } from '../../protocol/ids.ts';
import { startCups } from '../office/cups.ts';
import { until } from '../office/until.ts';
import { guest, listenFront, memoryConfig, startPrinting, type TestFront } from '../printing/print-support.ts';

const scope = new Scope();
let folder: string;
let front: TestFront;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-suites-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const cups = scope.use(await startCups());
  const pdf = { folder: join(folder, 'files'), stateFolder: join(folder, 'pdf'), clock: systemClock };
  const printing = scope.use(
    await startPrinting({
      backends: {
        cups: createCupsBackend({
          env: { CUPS_SERVER: cups.server },
          clock: systemClock,
          log: silentLog,
          instances: () => new Set(),
        }),
        pdf: await openPdfPrinter(pdf),
      },
      config: memoryConfig({
        printers: ['PDF', 'laser'].map((queue) => ({ queue: QueueName.parse(queue), audience: 'everyone' })),
      }),
      folder: join(folder, 'home'),
    }),
  );
  front = scope.use(
    await listenFront(
      () => printing.service.ippRoute,
      () => guest,
    ),
  );
  await until(() => printing.service.printers().length === 3, { what: 'the printers', withinMs: 10_000 });
});
afterAll(() => scope[Symbol.asyncDispose]());

/** The suites beside each other: they wait for jobs most of the time, and a queue of jobs is what a printer has anyway. */
const suites = ['1.1', '2.0', 'everywhere'];

test.concurrent.each(['laser', 'PDF'])('%s passes what there is', { timeout: 240_000 }, async (queue) => {
  const runs = suites.map((suite) => conformance(queue, suite));
  for (const { line, fails, log } of await Promise.all(runs)) {
    console.log(`${queue}: ${line}`);
    expect(fails, `${line}\n${log}`).toEqual([]);
    expect(line).toMatch(/complete=yes$/);
  }
});

async function conformance(queue: string, suite: string): Promise<{ line: string; fails: string[]; log: string }> {
  const output = join(folder, `${queue}-${suite}`);
  await mkdir(output);
  const script = join(import.meta.dirname, '../office/conformance');
  const args = ['-s', suite, '-o', output, front.uri(queue)];
  const stdout = await new Promise<string>((resolve) => {
    execFile(script, args, { timeout: 220_000, env: { ...process.env, SELFCERT_DIR: '' } }, (_, text) => resolve(text));
  });
  const name = (await readdir(output)).find((each) => each.endsWith('.txt')) ?? 'none';
  const log = await readFile(join(output, name), 'utf8').catch(() => '');
  const line = /^SUITE .*$/m.exec(stdout)?.[0] ?? `no result: ${stdout}`;
  return { line, fails: failures(log), log: excerpt(log) };
}

function failures(log: string): string[] {
  return log.split('\n').filter((line) => /\[FAIL\]|: FAIL$/.test(line));
}

/** Of each failure the lines that say why. */
function excerpt(log: string): string {
  const lines = log.split('\n');
  return lines
    .filter((_, at) => lines.slice(Math.max(0, at - 12), at + 1).some((line) => line.includes('[FAIL]')))
    .join('\n');
}

/**
 * A spool before the PDF printer and CUPS (CUPS_SERVER), to be killed: `spool-program.js <home> <send|drain> <prefix>`.
 * `send` hands over up to 30 documents, in turn to both, and tells each that was accepted on stdout, one JSON document
 * a line; then it goes on printing. `drain` sends nothing and ends when no job is under way any more, telling all jobs.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { createCupsBackend } from '../../agent/platform/cups.ts';
import { openPdfPrinter } from '../../agent/platform/pdf-printer.ts';
import type { Job } from '../../agent/printing/job.ts';
import { openSpool } from '../../agent/printing/spool.ts';
import { QueueName } from '../../protocol/ids.ts';
import { onePagePdf } from '../office/documents.ts';

const [home = '', mode = 'send', prefix = ''] = process.argv.slice(2);
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const queues = [QueueName.parse('PDF'), QueueName.parse('laser')];

await mkdir(home, { recursive: true });
const clock = systemClock;
const pdf = await openPdfPrinter({ folder: join(home, 'files'), stateFolder: join(home, 'pdf'), clock });
const cups = createCupsBackend({ env: process.env, clock, log: silentLog, instances: () => new Set() });
const spool = await openSpool({
  folder: join(home, 'spool'),
  backendFor: ({ queue }) => ({ queue, backend: queue === 'PDF' ? pdf : cups }),
  clock,
  random: Math.random,
  log: silentLog,
  limits: () => ({ largestDocument: 1 << 30, reserve: 0, jobs: 5000, jobsPerSender: 5000 }),
});

async function send(number: number): Promise<void> {
  const queue = queues[number % queues.length] ?? 'PDF';
  const name = `${prefix}-${number}`;
  const document = onePagePdf(number % 3 === 0 ? 300_000 : 300);
  const order = {
    destination: { device: null, queue: QueueName.parse(queue) },
    label: queue,
    owner: { kind: 'self', user: 'anna' },
    name,
    template: new Map(),
  } as const;
  const stream = Readable.from([document]);
  const job = await spool.accept(order, { stream, check: () => 'application/pdf' }, new AbortController().signal);
  tell({ id: job.id, uuid: job.uuid, name, queue });
}

const underWay = ({ phase }: Job): boolean => phase !== 'ended' && phase !== 'held';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
if (mode === 'send')
  for (let number = 0; number < 30; number++) {
    await send(number);
    await pause(10);
  }
while (spool.jobs().some(underWay)) await pause(20);
for (const { id, uuid, name, phase, state, reasons } of spool.jobs()) tell({ id, uuid, name, phase, state, reasons });
await spool[Symbol.asyncDispose]();

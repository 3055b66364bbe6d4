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
  const document = onePage(number % 3 === 0 ? 300_000 : 300);
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

/** A PDF of one empty page, with so many bytes of comment. */
function onePage(padding: number): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>',
  ];
  let text = `%PDF-1.4\n%${'x'.repeat(padding)}\n`;
  const offsets = objects.map((object, at) => {
    const offset = text.length;
    text += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const begin = text.length;
  text += `xref\n0 4\n0000000000 65535 f \n${table}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n${begin}\n%%EOF\n`;
  return Buffer.from(text);
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

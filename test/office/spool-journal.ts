/** What an agent's spool has on disk, read from outside while it runs or after it was killed. */
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface SpoolRecord {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly phase: 'receiving' | 'waiting' | 'held' | 'submitting' | 'submitted' | 'ended';
  readonly state: string;
  readonly reasons: readonly string[];
  readonly unsure: boolean;
}

const spoolOf = (home: string): string => join(home, 'state', 'spool');
const journalOf = (home: string): string => join(spoolOf(home), 'jobs.journal');

/** Every record that was ever written, in order. */
export async function spoolRecords(home: string): Promise<SpoolRecord[]> {
  return recordsIn(await readFile(journalOf(home), 'utf8').catch(() => ''));
}

/** The latest record of each job. */
export async function spooledJobs(home: string): Promise<Map<number, SpoolRecord>> {
  return new Map((await spoolRecords(home)).map((record) => [record.id, record]));
}

/** How often each job's document was sent to its destination: tries that ask first and then send count once. */
export function sendings(records: readonly SpoolRecord[]): Map<string, number> {
  const sent = new Map<string, number>();
  const before = new Map<number, SpoolRecord>();
  for (const record of records) {
    const last = before.get(record.id);
    const begins = record.phase === 'submitting' && !record.unsure;
    if (begins && !(last?.phase === 'submitting' && !last.unsure))
      sent.set(record.name, (sent.get(record.name) ?? 0) + 1);
    before.set(record.id, record);
  }
  return sent;
}

export type Moment = 'received' | 'journalled' | 'submitting' | 'submitted' | 'printing';
export const moments: readonly Moment[] = ['received', 'journalled', 'submitting', 'submitted', 'printing'];

/** Kept when, from now on, a job comes to that moment: as soon as the disk shows it. */
export async function reaches(home: string, moment: Moment, signal: AbortSignal): Promise<void> {
  const documents = join(spoolOf(home), 'documents');
  await mkdir(documents, { recursive: true });
  const journal = await open(journalOf(home), 'a+');
  const { size } = await journal.stat();
  const watchers: FSWatcher[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      const look = async (): Promise<void> => {
        const { bytesRead, buffer } = await journal.read(Buffer.alloc(1 << 20), 0, 1 << 20, size);
        if (recordsIn(buffer.toString('utf8', 0, bytesRead)).some((record) => isAt(record, moment))) resolve();
      };
      if (moment === 'received') watchers.push(watch(documents, (event) => event === 'rename' && resolve()));
      else watchers.push(watch(journalOf(home), () => void look().catch(reject)));
    });
  } finally {
    for (const watcher of watchers) watcher.close();
    await journal.close();
  }
}

function isAt({ phase, state }: SpoolRecord, moment: Moment): boolean {
  if (moment === 'journalled') return phase === 'waiting';
  if (moment === 'printing') return phase === 'submitted' && state === 'processing';
  return phase === moment;
}

/** The last line may be torn. */
function recordsIn(text: string): SpoolRecord[] {
  return text.split('\n').flatMap((line) => {
    try {
      const { job } = JSON.parse(line.slice(9)) as { job?: SpoolRecord };
      return job ?? [];
    } catch {
      return [];
    }
  });
}

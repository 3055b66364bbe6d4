/** A destination that fails as told, and remembers what came out of it over all restarts of the spool before it. */
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import type { JobUuid, QueueName } from '../../protocol/ids.ts';
import type { BackendJob, Document, PrintBackend, Queue } from '../../agent/printing/print-backend.ts';
import type { AttributeGroup } from '../../agent/printing/ipp-values.ts';
import { attributes, boolean, keyword, mimeMediaType, range } from '../../agent/printing/ipp-attributes.ts';
import type { Clock } from '../../agent/base/clock.ts';
import { sleep } from '../../agent/base/clock.ts';

/** What becomes of one try. `lost-answer`: the document arrived whole, nobody heard so. */
export type Fate = 'ok' | 'unreachable' | 'broke-off' | 'lost-answer' | 'bad-document';

interface DeviceJob {
  state: BackendJob['state'];
  readonly text: string;
}

export class ScriptedDevice {
  /** By uuid: how often it came out. */
  readonly printed = new Map<JobUuid, number>();
  readonly jobs = new Map<JobUuid, DeviceJob>();
  /** In the order of arrival. */
  readonly arrivals: string[] = [];

  clone(): ScriptedDevice {
    const copy = new ScriptedDevice();
    for (const [uuid, count] of this.printed) copy.printed.set(uuid, count);
    for (const [uuid, job] of this.jobs) copy.jobs.set(uuid, { ...job });
    copy.arrivals.push(...this.arrivals);
    return copy;
  }

  arrive(document: Document, text: string): void {
    this.printed.set(document.uuid, (this.printed.get(document.uuid) ?? 0) + 1);
    this.jobs.set(document.uuid, { state: 'processing', text });
    this.arrivals.push(document.name);
  }
}

export interface ScriptedBackendOptions {
  readonly clock: Clock;
  /** Asked before each try; default: all goes well. */
  fate?(document: Document): Fate;
  /** Asked before each question; true: the device cannot be asked now. */
  deaf?(): boolean;
  /** True: a job does not end by itself. */
  endless?(): boolean;
}

export class ScriptedBackend implements PrintBackend {
  device: ScriptedDevice;
  readonly #options: ScriptedBackendOptions;
  readonly queueName: string;

  constructor(device: ScriptedDevice, options: ScriptedBackendOptions, queueName = 'laser') {
    this.device = device;
    this.#options = options;
    this.queueName = queueName;
  }

  list(): Promise<readonly Queue[]> {
    const queue: Queue = {
      id: this.queueName as QueueName,
      info: 'Laser in room 1',
      location: 'room 1',
      makeAndModel: 'Scripted 100',
      state: 'idle',
      stateReasons: [],
      accepting: true,
    };
    return Promise.resolve([queue]);
  }

  describe(): Promise<AttributeGroup> {
    return Promise.resolve(
      attributes({
        'document-format-supported': mimeMediaType('application/pdf', 'text/plain', 'application/vnd.cups-raw'),
        'copies-supported': range(1, 9),
        'sides-supported': keyword('one-sided', 'two-sided-long-edge'),
        'sides-default': keyword('one-sided'),
        'media-supported': keyword('iso_a4_210x297mm'),
        'media-col-database': keyword('stands-for-many'),
        'media-source-supported': keyword('0', 'tray-1'),
        'color-supported': boolean(true),
        'device-uri': keyword('secret'),
      }),
    );
  }

  async submit(_queue: QueueName, document: Document): Promise<BackendJob> {
    const fate = this.#options.fate?.(document) ?? 'ok';
    if (fate === 'unreachable') throw new NethoodError('unreachable', 'Nobody is there.');
    if (fate === 'bad-document') throw new NethoodError('bad-document', 'It is smeared.');
    if (fate === 'broke-off') {
      document.open().destroy();
      throw new NethoodError('interrupted', 'It broke off.');
    }
    this.device.arrive(document, await textOf(document.open()));
    if (fate === 'lost-answer') throw new NethoodError('interrupted', 'The answer was lost.');
    return this.#report(document.uuid);
  }

  find(_queue: QueueName, uuid: JobUuid): Promise<BackendJob | undefined> {
    if (this.#options.deaf?.() === true) return Promise.reject(new NethoodError('unavailable', 'Not now.'));
    return Promise.resolve(this.device.jobs.has(uuid) ? this.#report(uuid) : undefined);
  }

  cancel(_queue: QueueName, reference: string): Promise<void> {
    const job = this.device.jobs.get(reference as JobUuid);
    if (job === undefined) return Promise.reject(new NethoodError('not-found', 'No such job.'));
    if (job.state === 'processing') job.state = 'canceled';
    return Promise.resolve();
  }

  hold(_queue: QueueName, reference: string): Promise<void> {
    return this.#move(reference, 'pending', 'pending-held');
  }

  release(_queue: QueueName, reference: string): Promise<void> {
    return this.#move(reference, 'pending-held', 'pending');
  }

  async *watch(_queue: QueueName, reference: string, signal: AbortSignal): AsyncGenerator<BackendJob, void, undefined> {
    const uuid = reference as JobUuid;
    for (;;) {
      if (this.#options.deaf?.() === true) throw new NethoodError('unreachable', 'Contact is lost.');
      if (!this.device.jobs.has(uuid)) throw new NethoodError('not-found', 'The device forgot it.');
      const report = this.#report(uuid);
      yield report;
      if (report.state !== 'processing') return;
      await sleep(this.#options.clock, 500, signal);
      const job = this.device.jobs.get(uuid);
      if (job?.state === 'processing' && this.#options.endless?.() !== true) job.state = 'completed';
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #move(reference: string, from: BackendJob['state'], to: BackendJob['state']): Promise<void> {
    const job = this.device.jobs.get(reference as JobUuid);
    if (job === undefined) return Promise.reject(new NethoodError('not-found', 'No such job.'));
    if (job.state !== from) return Promise.reject(new NethoodError('not-permitted', `The job is ${job.state}.`));
    job.state = to;
    return Promise.resolve();
  }

  #report(uuid: JobUuid): BackendJob {
    return { reference: uuid, state: this.device.jobs.get(uuid)?.state ?? 'aborted', stateReasons: ['none'] };
  }
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Real time, a thousand times as fast: a back-off of a minute takes 60 ms. */
export function fastClock(): Clock {
  const begin = performance.now();
  const elapsed = (): number => Math.floor((performance.now() - begin) * 1000);
  return {
    now: elapsed,
    wall: () => 1_760_000_000_000 + elapsed(),
    timer(ms, callback) {
      const timer = setTimeout(callback, ms / 1000);
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}

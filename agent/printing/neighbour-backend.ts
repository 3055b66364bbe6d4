/**
 * A neighbour's printers as a destination: its own front over mutual TLS, for which our key makes us the owner of our
 * jobs. Each job goes by the uuid that we gave it (`nethood-submission-id`), so sending twice is one job over there,
 * and asking by that name is always an answer.
 */
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { type DeviceId, JobUuid, type QueueName, shortId } from '../../protocol/ids.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import type { Clock } from '../base/clock.ts';
import type { Neighbour, Neighbours } from '../peers/neighbours.ts';
import {
  attributes,
  boolean,
  firstDate,
  firstNumber,
  firstString,
  groupOf,
  jobStateOf,
  keyword,
  mimeMediaType,
  name,
  requestOf,
  stringsOf,
  text,
  uri,
  type AttributeTable,
} from './ipp-attributes.ts';
import { askIpp, type IppTarget } from './ipp-client.ts';
import type { OperationName } from './ipp-tables.ts';
import type { AttributeGroup, IppGroup, IppResponse } from './ipp-values.ts';
import { newsOf } from './neighbour-news.ts';
import type { BackendJob, Document, PrintBackend, Queue } from './print-backend.ts';

interface NeighbourBackendDeps {
  readonly neighbours: Neighbours;
  readonly clock: Clock;
  readonly device: DeviceId;
}

/** How often a job is asked for where the owner's own news of it do not come, and where they do. */
const pollMs = { alone: 3_000, withNews: 20_000 } as const;

/** RFC 8011 section 5.2.2. */
const heldThere = attributes({ 'job-hold-until': keyword('indefinite') });

const wanted = keyword(
  'job-id',
  'job-uuid',
  'job-state',
  'job-state-reasons',
  'job-state-message',
  'job-impressions',
  'job-impressions-completed',
  'nethood-expires',
);

export class NeighbourBackend implements PrintBackend {
  readonly #deps: NeighbourBackendDeps;

  constructor(deps: NeighbourBackendDeps) {
    this.#deps = deps;
  }

  async list(signal: AbortSignal): Promise<readonly Queue[]> {
    signal.throwIfAborted();
    const neighbour = this.#deps.neighbours.get(this.#deps.device);
    const queues = neighbour?.resources.printers.map((printer): Queue => {
      const { id, name: info, state, stateReasons, accepting } = printer;
      return { id, info, location: '', makeAndModel: '', state, stateReasons, accepting };
    });
    return await Promise.resolve(queues ?? []);
  }

  async describe(queue: QueueName, signal: AbortSignal): Promise<AttributeGroup> {
    const response = await this.#ask(queue, 'Get-Printer-Attributes', {}, { signal });
    return groupOf(response, 'printer');
  }

  async submit(queue: QueueName, document: Document, signal: AbortSignal): Promise<BackendJob> {
    const { uuid, user, format, hold = false, fidelity = false } = document;
    const template = new Map([...document.template, ...(hold ? heldThere : [])]);
    const ticket: IppGroup[] = template.size === 0 ? [] : [{ group: 'job', attributes: template }];
    const operation = {
      'requesting-user-name': name(user),
      'job-name': name(document.name),
      // What shall wait for its sender must not come out because its owner's version cannot hold it.
      'ipp-attribute-fidelity': boolean(fidelity || hold),
      'document-format': mimeMediaType(format),
      'nethood-submission-id': uri(uuid),
    };
    const response = await this.#ask(queue, 'Print-Job', operation, { signal, ticket, document });
    return backendJob(uuid, groupOf(response, 'job'));
  }

  async find(queue: QueueName, uuid: JobUuid, signal: AbortSignal): Promise<BackendJob | undefined> {
    try {
      return await this.#look(queue, uuid, signal);
    } catch (error) {
      if (hasCode(error, 'not-found')) return undefined;
      throw error;
    }
  }

  async cancel(queue: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    await this.#ask(queue, 'Cancel-Job', { 'job-uri': uri(reference) }, { signal }).catch(async (error: unknown) => {
      const uuid = JobUuid.safeParse(reference).data;
      // It may have ended just now; that is what was wanted.
      const over = hasCode(error, 'not-permitted') && uuid !== undefined && (await this.#look(queue, uuid, signal));
      if (!over || !finalJobStates.includes(over.state)) throw error;
    });
  }

  /** An owner of version 0.1 answers `unsupported`. */
  async hold(queue: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    await this.#ask(queue, 'Hold-Job', { 'job-uri': uri(reference) }, { signal });
  }

  async release(queue: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    await this.#ask(queue, 'Release-Job', { 'job-uri': uri(reference) }, { signal });
  }

  /** Shows people at the owner's PC which printer it is (Identify-Printer, PWG 5100.13 section 3.1). */
  async identify(
    queue: QueueName,
    { actions, message, owner }: { actions: readonly string[]; message: string; owner: { readonly user: string } },
    signal: AbortSignal,
  ): Promise<void> {
    const words = message === '' ? undefined : text(message);
    const asked = { 'identify-actions': keyword(...actions), message: words, 'requesting-user-name': name(owner.user) };
    await this.#ask(queue, 'Identify-Printer', asked, { signal });
  }

  /** News over the session where it is there; asking now and then, because news may be lost. */
  async *watch(queue: QueueName, reference: string, signal: AbortSignal): AsyncGenerator<BackendJob, void, undefined> {
    const { neighbours, clock, device } = this.#deps;
    const uuid = JobUuid.parse(reference);
    using news = newsOf(neighbours, device, uuid);
    for (;;) {
      const asked = await this.#look(queue, uuid, signal);
      yield asked;
      if (finalJobStates.includes(asked.state)) return;
      const hasNews = neighbours.get(device)?.features.has('job-events') === true;
      const deadline = clock.now() + (hasNews ? pollMs.withNews : pollMs.alone);
      for (;;) {
        const told = await news.next(clock, deadline - clock.now(), signal);
        if (told === undefined) break;
        yield told;
        if (finalJobStates.includes(told.state)) return;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #look(queue: QueueName, uuid: JobUuid, signal: AbortSignal): Promise<BackendJob> {
    const operation = { 'job-uri': uri(uuid), 'requested-attributes': wanted };
    const response = await this.#ask(queue, 'Get-Job-Attributes', operation, { signal });
    return backendJob(uuid, groupOf(response, 'job'));
  }

  async #ask(
    queue: QueueName,
    operation: OperationName,
    table: AttributeTable,
    { signal, ticket = [], document }: { signal: AbortSignal; ticket?: IppGroup[]; document?: Document },
  ): Promise<IppResponse> {
    const target = this.#target(queue);
    const printerUri = `ipps://${this.#deps.neighbours.httpHost(this.#deps.device)}${target.path}`;
    // RFC 8011 section 4.1.5: a request names the printer or the job, not both.
    const subject = 'job-uri' in table ? {} : { 'printer-uri': uri(printerUri) };
    const request = requestOf(operation, { ...subject, ...table }, ...ticket);
    using gone = this.#whenGone();
    const options = { signal: AbortSignal.any([signal, gone.signal]) };
    const all = document === undefined ? options : { ...options, document: () => document.open() };
    return await askIpp(target, request, all).catch((error: unknown) => this.#withName(error));
  }

  /** What went wrong on the way there says addresses; a person knows the neighbour by its name. */
  #withName(error: unknown): never {
    if (!(error instanceof NethoodError) || !hasCode(error, 'unreachable', 'timeout')) throw error;
    const owner = this.#ownerName();
    if (error.message.includes(owner)) throw error;
    throw new NethoodError(error.code, `${owner} is not reached: ${error.message}`, { cause: error });
  }

  /** A PC asleep still takes connections and bytes into its kernel; its session's heartbeat tells sooner. */
  #whenGone(): Disposable & { readonly signal: AbortSignal } {
    const { neighbours, device } = this.#deps;
    const controller = new AbortController();
    const look = (neighbour: Neighbour | undefined): void => {
      if (neighbour?.id !== device || neighbour.state !== 'gone') return;
      const message = `${neighbour.name} is not here now: its PC is off, asleep or elsewhere.`;
      controller.abort(new NethoodError('unreachable', message));
    };
    look(neighbours.get(device));
    const listening = neighbours.events.on('changed', look);
    return { signal: controller.signal, [Symbol.dispose]: () => listening[Symbol.dispose]() };
  }

  #target(queue: QueueName): IppTarget {
    const { neighbours, device } = this.#deps;
    return {
      transport: { agent: neighbours.httpAgent(device), host: neighbours.httpHost(device) },
      path: `/ipp/print/${encodeURIComponent(queue)}`,
      what: `The printer "${queue}" of ${this.#ownerName()}`,
    };
  }

  #ownerName(): string {
    const { neighbours, device } = this.#deps;
    return neighbours.get(device)?.name ?? shortId(device);
  }
}

function backendJob(uuid: JobUuid, job: AttributeGroup): BackendJob {
  const state = jobStateOf(job);
  if (state === undefined) throw new NethoodError('bad-message', 'The neighbour answers without a job-state.');
  const message = firstString(job, 'job-state-message');
  const pages = firstNumber(job, 'job-impressions-completed');
  const pagesTotal = firstNumber(job, 'job-impressions');
  return {
    reference: uuid,
    state,
    stateReasons: stringsOf(job, 'job-state-reasons'),
    message: message === '' ? undefined : message,
    pagesCompleted: pages !== undefined && pages > 0 ? pages : undefined,
    pagesTotal: pagesTotal !== undefined && pagesTotal > 0 ? pagesTotal : undefined,
    expires: firstDate(job, 'nethood-expires'),
  };
}

/**
 * One subscription to events of CUPS (RFC 3995), fetched by ippget (RFC 3996) with its lease renewed. CUPS keeps the last
 * 100 events of each: the ends of jobs have a subscription of their own, so that the many words of filters and devices
 * cannot push them out.
 */
import { userInfo } from 'node:os';
import { NethoodError } from '../../protocol/errors.ts';
import type { JobState } from '../../protocol/resources.ts';
import type { Clock } from '../base/clock.ts';
import {
  firstNumber,
  firstString,
  group,
  groupsOf,
  integer,
  jobStateOf,
  keyword,
  name,
  numbersOf,
  requestOf,
  stringsOf,
  uri,
  type AttributeTable,
} from '../printing/ipp-attributes.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { CupsClient } from './cups-client.ts';

/** What happened, as `notify-subscribed-event` calls it. */
export interface CupsEvent {
  readonly what: string;
  readonly text: string;
  readonly job?: { readonly id: number; readonly state: JobState; readonly reasons: readonly string[] } | undefined;
}

/** CUPS' own names among them: queues that come and go, and its own start. */
const subscribed = [
  ['job-completed', 'server-started', 'server-restarted'],
  [
    'job-state-changed',
    'job-stopped',
    'job-config-changed',
    'job-progress',
    'printer-state-changed',
    'printer-stopped',
    'printer-config-changed',
    'printer-modified',
    'printer-added',
    'printer-deleted',
  ],
] as const;

/** Short: a killed agent leaves its subscriptions behind, and CUPS has room for 100. */
const leaseSeconds = 300;
const renewAfterMs = 100_000;

export class CupsSubscription {
  readonly #client: CupsClient;
  readonly #clock: Clock;
  /** By id: the number of the next event. */
  readonly #next: Map<number, number>;
  #renewed: number;

  private constructor(client: CupsClient, clock: Clock, ids: readonly number[]) {
    this.#client = client;
    this.#clock = clock;
    this.#next = new Map(ids.map((id) => [id, 1]));
    this.#renewed = clock.now();
  }

  /** @throws as `askIpp`; `unsupported` where there are no events */
  static async open(client: CupsClient, clock: Clock, signal: AbortSignal): Promise<CupsSubscription> {
    const groups = subscribed.map((events) =>
      group('subscription', {
        'notify-pull-method': keyword('ippget'),
        'notify-events': keyword(...events),
        'notify-lease-duration': integer(leaseSeconds),
      }),
    );
    const response = await client.ask(requestOf('Create-Printer-Subscriptions', allQueues(), ...groups), signal);
    const ids = groupsOf(response, 'subscription').flatMap((each) => firstNumber(each, 'notify-subscription-id') ?? []);
    const subscription = new CupsSubscription(client, clock, ids);
    if (ids.length === subscribed.length) return subscription;
    await subscription.cancel(signal);
    throw new NethoodError('unsupported', 'The print system has no room for subscriptions.');
  }

  /** What happened since the last call. @throws as `askIpp`; `not-found` when the lease is over */
  async fetch(signal: AbortSignal): Promise<CupsEvent[]> {
    if (this.#clock.now() - this.#renewed > renewAfterMs) await this.#renew(signal);
    const request = requestOf('Get-Notifications', {
      ...allQueues(),
      'notify-subscription-ids': integer(...this.#next.keys()),
      'notify-sequence-numbers': integer(...this.#next.values()),
    });
    const notifications = groupsOf(await this.#client.ask(request, signal), 'notification');
    return notifications.flatMap((each) => this.#read(each));
  }

  /** Best effort: what is not cancelled ends with its lease. */
  async cancel(signal: AbortSignal): Promise<void> {
    await this.#each('Cancel-Subscription', {}, signal).catch(() => undefined);
  }

  async #renew(signal: AbortSignal): Promise<void> {
    await this.#each('Renew-Subscription', { 'notify-lease-duration': integer(leaseSeconds) }, signal);
    this.#renewed = this.#clock.now();
  }

  async #each(
    operation: 'Cancel-Subscription' | 'Renew-Subscription',
    table: AttributeTable,
    signal: AbortSignal,
  ): Promise<void> {
    for (const id of this.#next.keys())
      await this.#client.ask(
        requestOf(operation, { ...allQueues(), 'notify-subscription-id': integer(id), ...table }),
        signal,
      );
  }

  #read(notification: AttributeGroup): CupsEvent[] {
    const [id = 0] = numbersOf(notification, 'notify-subscription-id');
    const [sequence = 0] = numbersOf(notification, 'notify-sequence-number');
    const next = this.#next.get(id);
    const what = firstString(notification, 'notify-subscribed-event');
    if (next === undefined || sequence < next || what === undefined) return [];
    this.#next.set(id, sequence + 1);
    const jobId = firstNumber(notification, 'notify-job-id');
    const state = jobStateOf(notification);
    const reasons = stringsOf(notification, 'job-state-reasons');
    return [
      {
        what,
        text: firstString(notification, 'notify-text') ?? '',
        job: jobId === undefined || state === undefined ? undefined : { id: jobId, state, reasons },
      },
    ];
  }
}

/** Subscriptions belong to a user, whom each request names again. */
function allQueues(): AttributeTable {
  return { 'printer-uri': uri('ipp://localhost/'), 'requesting-user-name': name(userInfo().username) };
}

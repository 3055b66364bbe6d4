/** The print system of this PC as a place for queues that lead to the gateway. */

export interface NewQueue {
  readonly name: string;
  /** For people. */
  readonly info: string;
  readonly location: string;
  /** Of the gateway, without the secret. */
  readonly uri: string;
  readonly secretUri: string;
  /** Who alone may print on it. */
  readonly user: string;
}

export interface PrinterInstaller {
  /** Of all queues there are. @throws `unavailable` */
  names(signal: AbortSignal): Promise<readonly string[]>;
  /** Kept when the queue can print; of one that could not be made nothing stays. @throws `not-permitted`, `unavailable`, `timeout` */
  add(queue: NewQueue, signal: AbortSignal): Promise<void>;
  /** Where a queue leads, without the secret; undefined where there is none of that name. @throws `unavailable` */
  leadsTo(name: string, signal: AbortSignal): Promise<string | undefined>;
  /** The same queue to another address of the gateway. @throws `not-permitted`, `unavailable` */
  redirect(queue: NewQueue, signal: AbortSignal): Promise<void>;
  /** It may be gone already. @throws `not-permitted`, `unavailable` */
  remove(name: string, signal: AbortSignal): Promise<void>;
  /** What a person with the rights can run instead. `save` keeps a file that nobody else can read, and says where it is. */
  commandToAdd(queue: NewQueue, save: (request: Uint8Array) => Promise<string>): Promise<string>;
  commandToRemove(name: string): Promise<string>;
}

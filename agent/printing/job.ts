/** One document to print, as the spool keeps it in memory and, line by line, in its journal. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { DeviceId, JobId, JobUuid, QueueName } from '../../protocol/ids.ts';
import { finalJobStates, JobState } from '../../protocol/resources.ts';
import { JsonAttributes } from './ipp-json.ts';

/** A queue of this PC, or one of a neighbour. */
export const Destination = z.object({ device: DeviceId.nullable(), queue: QueueName });
export type Destination = z.infer<typeof Destination>;

const UserName = z.string().max(255);

/** Whose job it is: `requesting-user-name` alone is a claim, so the sender's key or address belongs to it. */
export const JobOwner = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('self'), user: UserName }),
  z.object({ kind: z.literal('device'), id: DeviceId, user: UserName }),
  z.object({ kind: z.literal('guest'), address: z.string().max(255), user: UserName }),
]);
export type JobOwner = z.infer<typeof JobOwner>;

/**
 * Where a job is on its way. `receiving`: its document is not whole yet. `waiting`: durable, not its turn. `held`: until
 * a person decides. `submitting`: on its way to the destination; only the destination knows whether it arrived.
 * `submitted`: the destination has it. `ended`: for good.
 */
export const JobPhase = z.enum(['receiving', 'waiting', 'held', 'submitting', 'submitted', 'ended']);
export type JobPhase = z.infer<typeof JobPhase>;

const Millis = z.int().min(0);

export const Job = z.object({
  id: JobId,
  uuid: JobUuid,
  destination: Destination,
  /** The destination for people, as it was called when the job came. */
  label: z.string().max(512),
  owner: JobOwner,
  name: z.string().max(1023),
  template: JsonAttributes,
  document: z
    .object({
      /** Name in the spool's folder of documents. */
      file: z.string().regex(/^[a-z2-7]{26}$/),
      bytes: z.int().min(0),
      format: z.string().max(255),
      /** As its sender called it, packed it and said that it was. */
      supplied: z
        .object({
          name: z.string().max(255).optional(),
          format: z.string().max(255).optional(),
          compression: z.string().max(255).optional(),
        })
        .optional(),
    })
    .optional(),
  phase: JobPhase,
  state: JobState,
  reasons: z.array(z.string().max(255)).max(32),
  message: z.string().max(1023).optional(),
  pages: z.int().min(0).optional(),
  pagesTotal: z.int().min(0).optional(),
  /** The destination's own number or name for it. */
  reference: z.string().max(1023).optional(),
  /** An earlier try may have arrived: the destination is asked before anything is sent again. */
  unsure: z.boolean(),
  cancelledBy: z.enum(['user', 'operator']).optional(),
  /** `wanted`: it shall wait where its printer is until somebody releases it. `released`: told on its way there. */
  hold: z.enum(['wanted', 'released']).optional(),
  /** Rather not printed than printed otherwise than the template says (ipp-attribute-fidelity). */
  fidelity: z.boolean().optional(),
  /** How long it waits for its destination. */
  patienceMs: Millis.optional(),
  /** When its destination gives it up, as that says. */
  expires: Millis.optional(),
  /** Tries in a row that did not reach the destination. */
  failures: z.int().min(0),
  /** Wall-clock milliseconds, as all times here: since when it waits for its destination, or for word of it. */
  since: Millis.optional(),
  created: Millis,
  processing: Millis.optional(),
  ended: Millis.optional(),
});
export type Job = z.infer<typeof Job>;

/** How many of these are for this destination. */
export function jobsOn(destination: Destination, jobs: Iterable<Job>): number {
  const lane = laneOf(destination);
  let count = 0;
  for (const job of jobs) if (laneOf(job.destination) === lane) count++;
  return count;
}

export function hasEnded(job: Job): boolean {
  return finalJobStates.includes(job.state);
}

/** Jobs of one lane go one after the other. */
export function laneOf(destination: Destination): string {
  return `${destination.device ?? ''}/${destination.queue}`;
}

/** The same sender and the same name of the job: the same job. Undefined where the sender cannot be told for sure. */
export function submissionKey(owner: JobOwner, uuid: JobUuid): string | undefined {
  return owner.kind === 'device' ? `${owner.id} ${uuid}` : undefined;
}

/** Whose quota it counts against; undefined: nobody's. */
export function senderOf(owner: JobOwner): string | undefined {
  switch (owner.kind) {
    case 'self':
      return undefined;
    case 'device':
      return owner.id;
    case 'guest':
      return owner.address;
  }
}

export function sameOwner(a: JobOwner, b: JobOwner): boolean {
  return a.user === b.user && a.kind === b.kind && senderOf(a) === senderOf(b);
}

/** A version 4 UUID (RFC 4122 section 4.4) as URN. */
export function newJobUuid(): JobUuid {
  return JobUuid.parse(`urn:uuid:${randomUUID()}`);
}

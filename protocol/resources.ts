/** What an agent shares, as others and the faces see it. */
import { z } from 'zod';
import { DeviceId, DisplayName, QueueName, ShareId, ShareName } from './ids.ts';

/** Whoever is on-link; paired or in my office; or a list of devices. */
export const Audience = z.union([z.literal('everyone'), z.literal('colleagues'), z.array(DeviceId).min(1).max(200)]);
export type Audience = z.infer<typeof Audience>;

export const Rights = z.enum(['read', 'write']);
export type Rights = z.infer<typeof Rights>;

/** printer-state (RFC 8011 5.4.11). */
export const PrinterState = z.enum(['idle', 'processing', 'stopped']);
export type PrinterState = z.infer<typeof PrinterState>;

/** job-state (RFC 8011 5.3.7). */
export const JobState = z.enum([
  'pending',
  'pending-held',
  'processing',
  'processing-stopped',
  'canceled',
  'aborted',
  'completed',
]);
export type JobState = z.infer<typeof JobState>;

export const finalJobStates: readonly JobState[] = ['canceled', 'aborted', 'completed'];

/** A keyword as printer-state-reasons and job-state-reasons use it. */
export const Keyword = z.string().regex(/^[a-z0-9._-]{1,255}$/);
export const Keywords = z.array(Keyword).max(32);

export const RemoteShare = z.object({ id: ShareId, name: ShareName, rights: Rights });
export type RemoteShare = z.infer<typeof RemoteShare>;

/** Ink, toner, paper: printer-supply (PWG 5100.13 section 6.6). */
export const Supply = z.object({
  /** For people: `Black Toner`. */
  name: z.string().max(255),
  /** Percent of what it holds when full; null where the device does not say. */
  level: z.int().min(0).max(100).nullable(),
});
export type Supply = z.infer<typeof Supply>;

export const RemotePrinter = z.object({
  /** The last component of `/ipp/print/<queue>` at its owner. */
  id: QueueName,
  name: DisplayName,
  state: PrinterState,
  stateReasons: Keywords,
  accepting: z.boolean(),
  /** Absent from owners of version 0.1. */
  supplies: z.array(Supply).max(32).default([]),
  /** Jobs that wait or print at its owner. */
  jobs: z.int().min(0).default(0),
});
export type RemotePrinter = z.infer<typeof RemotePrinter>;

/** What one neighbour offers to the one who asks; already filtered by its owner. */
export const Resources = z.object({
  shares: z.array(RemoteShare).max(500),
  printers: z.array(RemotePrinter).max(200),
});
export type Resources = z.infer<typeof Resources>;

export const noResources: Resources = { shares: [], printers: [] };

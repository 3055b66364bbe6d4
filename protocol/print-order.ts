/** Printing over the control API: how a document is to be printed, queues made here for neighbours' printers, and who printed what. */
import { z } from 'zod';
import { JobId } from './ids.ts';
import { JobState } from './resources.ts';

const Text = z.string().max(4096);
const Millis = z.int().min(0);
/** ISO 8601, UTC. */
const Time = z.iso.datetime();

/** How it is to be printed; what is absent is left to the printer's own default. */
export const PrintTicket = z.object({
  copies: z.coerce.number().int().min(1).max(999).default(1),
  sides: z.enum(['one-sided', 'two-sided-long-edge', 'two-sided-short-edge']).optional(),
  color: z.enum(['color', 'monochrome', 'auto']).optional(),
  /** A PWG 5101.1 name (`iso_a4_210x297mm`) or a usual short one (`A4`, `Letter`). */
  media: z.string().min(1).max(127).optional(),
  /** `1-3,5,8-` */
  pages: z
    .string()
    .max(255)
    .regex(/^\d{1,9}(-\d{0,9})?(,\d{1,9}(-\d{0,9})?)*$/)
    .optional(),
  quality: z.enum(['draft', 'normal', 'high']).optional(),
  /** Private release: the job waits at its printer's owner until its sender releases it. */
  hold: z.stringbool().optional(),
});
export type PrintTicket = z.infer<typeof PrintTicket>;

/** Query of `POST /v1/print`; the body is the document. Answer: JobView. */
export const PrintQuery = PrintTicket.extend({
  /** `<neighbour>/<printer>`, or the name of an own printer. */
  on: Text.min(1),
  name: Text.min(1),
});
export type PrintQuery = z.infer<typeof PrintQuery>;

export const InstalledPrinter = z.object({
  /** The local print queue. */
  queue: Text,
  /** `<neighbour>/<printer>` */
  printer: Text,
  /** For people who want to do it by hand; null where it was done. */
  command: Text.nullable(),
});
export type InstalledPrinter = z.infer<typeof InstalledPrinter>;

/** One ended job on a printer of this PC. */
export const AccountingLine = z.object({
  at: Time,
  job: JobId,
  printer: Text,
  /** `<user> on <device or address>` */
  from: Text,
  name: Text,
  state: JobState,
  /** Impressions times copies as the device counted them; null where it did not. */
  pages: Millis.nullable(),
  copies: Millis,
  bytes: Millis,
});
export type AccountingLine = z.infer<typeof AccountingLine>;

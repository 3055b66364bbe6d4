/**
 * `config.json`: what a user decides. The agent writes it when a command changes something; a person may edit it too.
 * What the agent finds out by itself (ports, known neighbours, jobs) lives in `state/`.
 */
import { z } from 'zod';
import { DisplayName, QueueName, ShareId, ShareName } from '../protocol/ids.ts';
import { Audience, Rights } from '../protocol/resources.ts';

export const configVersion = 1;

export const ShareConfig = z.strictObject({
  id: ShareId,
  name: ShareName,
  /** Absolute. */
  folder: z.string().min(1).max(4096),
  audience: Audience,
  rights: Rights.default('read'),
  /** Bytes that all files of a share may have together once others write into it. */
  quota: z.int().min(0).optional(),
});
export type ShareConfig = z.infer<typeof ShareConfig>;

const PrinterConfig = z.strictObject({ queue: QueueName, audience: Audience });

/** Addresses and prefixes as text: `10.20.0.0/16`, `fd00::/8`. */
const Network = z.string().regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/);

export const Config = z.strictObject({
  version: z.literal(configVersion),
  /** Default: `<user> on <host>`. */
  name: DisplayName.optional(),
  /** Nothing is shared with anybody, for now. */
  paused: z.boolean().default(false),
  shares: z.array(ShareConfig).max(500).default([]),
  printers: z.array(PrinterConfig).max(200).default([]),
  lan: z
    .strictObject({
      /** Counts as on-link beside the cards' own subnets. */
      networks: z.array(Network).max(64).default([]),
      /** Names of cards to use or to leave alone; what is in neither is ranked by rule. */
      use: z.array(z.string()).max(64).default([]),
      ignore: z.array(z.string()).max(64).default([]),
    })
    .prefault({}),
  transfers: z
    .strictObject({
      /** Bytes a second that all file transfers of this agent may move, both directions together; no limit without it. */
      rate: z.int().min(10_000).optional(),
    })
    .prefault({}),
  sharing: z
    .strictObject({
      /** Bytes that stay free on the disk of a share that others write into; a twentieth of the disk, where that is less. */
      reserve: z
        .int()
        .min(0)
        .default(256 * 2 ** 20),
    })
    .prefault({}),
  printing: z
    .strictObject({
      /** The built-in PDF printer, which writes documents into the home's files folder. */
      pdf: z.boolean().default(true),
      /** Bytes of one document. */
      largestDocument: z
        .int()
        .min(1)
        .default(4 * 2 ** 30),
      /** Bytes that stay free on the spool's disk. */
      reserve: z
        .int()
        .min(0)
        .default(256 * 2 ** 20),
      /** How long a job waits for a printer that is away, hours. */
      expiryHours: z
        .number()
        .min(0.1)
        .max(24 * 365)
        .default(24),
    })
    .prefault({}),
  /** On the desktop: what became of a job, and who looks for a printer. */
  notifications: z.boolean().default(true),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
});
export type Config = z.infer<typeof Config>;

export const defaultConfig: Config = Config.parse({ version: configVersion });

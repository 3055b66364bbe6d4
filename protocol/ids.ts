/** Branded identifiers. Each is made only by its schema, so that a string from a wire cannot pass as one. */
import { z } from 'zod';

/** Lower-case base32 (RFC 4648 section 6, no padding) of SHA-256 of the device's public key (SPKI): 52 characters. */
export const DeviceId = z
  .string()
  .regex(/^[a-z2-7]{52}$/)
  .brand<'DeviceId'>();
export type DeviceId = z.infer<typeof DeviceId>;

/** 128 random bits in base32, stable for the life of a share: 26 characters. */
export const ShareId = z
  .string()
  .regex(/^[a-z2-7]{26}$/)
  .brand<'ShareId'>();
export type ShareId = z.infer<typeof ShareId>;

/** Random per start of an agent: tells a restarted neighbour from a second connection of the same one. */
export const BootId = z
  .string()
  .regex(/^[a-z2-7]{16,26}$/)
  .brand<'BootId'>();
export type BootId = z.infer<typeof BootId>;

/** `urn:uuid:…` (RFC 4122): a job's name that is the same at sender and owner. */
export const JobUuid = z
  .string()
  .regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  .brand<'JobUuid'>();
export type JobUuid = z.infer<typeof JobUuid>;

/** A job's number in one agent's spool (`job-id` of RFC 8011 5.3.2); never reused. */
export const JobId = z.int().min(1).max(0x7fffffff).brand<'JobId'>();
export type JobId = z.infer<typeof JobId>;

/** A print queue's name as CUPS allows it: no space, slash, '#' or control; at most 127 bytes. */
export const QueueName = z
  .string()
  .regex(/^[^\s/#?%"'<>\\\p{Cc}]{1,127}$/u)
  .brand<'QueueName'>();
export type QueueName = z.infer<typeof QueueName>;

/** A transfer in one agent. */
export const TransferId = z
  .string()
  .regex(/^[a-z2-7]{8,26}$/)
  .brand<'TransferId'>();
export type TransferId = z.infer<typeof TransferId>;

const loneSurrogate = /\p{Cs}/u;
const visible = /^[^\p{Cc}\u202a-\u202e\u2066-\u2069\ufeff]*$/u;

/** A name for people, from anywhere: 1 to 63 bytes of UTF-8 (a DNS-SD instance label, RFC 6763 4.1.1), nothing that moves a cursor or turns text around. */
export const DisplayName = z
  .string()
  .min(1, 'is empty')
  .refine((text) => new TextEncoder().encode(text).length <= 63, 'is longer than 63 bytes')
  .refine((text) => !loneSurrogate.test(text), 'is not valid Unicode')
  .regex(visible, 'contains control characters')
  .refine((text) => text.trim() === text, 'begins or ends with a space');

/** A share's name: a display name without '/', so that `<neighbour>/<share>/<path>` stays readable. */
export const ShareName = DisplayName.refine((text) => !text.includes('/'), 'contains a slash').refine(
  (text) => text !== '.' && text !== '..',
  'means a folder by itself',
);

/** The short form of a DeviceId, for display only: `k3q7-x2mf`. */
export function shortId(id: DeviceId): string {
  return `${id.slice(0, 4)}-${id.slice(4, 8)}`;
}

/** The host name an agent announces, never the operating system's own (facts: its owner would be renamed). */
export function hostNameOf(id: DeviceId): string {
  return `nh-${id.slice(0, 8)}.local`;
}

/** A host name that another has is exchanged for the next of these (RFC 6762 section 9); the certificate holds all. */
export const mostHostNames = 10;

/** The nth of them: `nh-k3q7x2mf.local`, `nh-k3q7x2mf-2.local` … */
export function nthHostName(hostName: string, attempt: number): string {
  return attempt <= 1 ? hostName : hostName.replace('.local', `-${attempt}.local`);
}

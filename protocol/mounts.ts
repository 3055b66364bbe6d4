/** Drives for the programs of one PC: what the control API says of them. */
import { z } from 'zod';
import { DisplayName, ShareName } from './ids.ts';

/** Its address is its key: not for logs, nor for others. */
export const MountView = z.object({
  /** As they were called when it was made; null: all of them. */
  neighbour: DisplayName.nullable(),
  share: ShareName.nullable(),
  /** WebDAV. */
  url: z.url(),
  /** ISO 8601, UTC. */
  created: z.iso.datetime(),
});
export type MountView = z.infer<typeof MountView>;

/** All neighbours, one, or a share of one; named as in every call. */
const Place = z.object({
  neighbour: z.string().min(1).max(256).optional(),
  share: z.string().max(4096).optional(),
});

export const mountCalls = {
  /** The same place again is the same drive, also after a restart. */
  mount: { request: Place, response: MountView },
  'mount-revoke': { request: Place, response: MountView },
  mounts: { request: z.object({}), response: z.object({ mounts: z.array(MountView) }) },
} as const;

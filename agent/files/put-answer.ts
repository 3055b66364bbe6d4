import { z } from 'zod';
import { PeerEntry } from '../../protocol/peer.ts';

/** What is answered to a PUT of one file, when it is whole and safe under its name. */
export const PutAnswer = z.object({
  entry: PeerEntry,
  /** Strong (RFC 9110 8.8.3). */
  etag: z.string().regex(/^"[\x21\x23-\x7e]{1,256}"$/),
  /** False where it replaced another. */
  created: z.boolean(),
});
export type PutAnswer = z.infer<typeof PutAnswer>;

/** What is said in headers and bodies when files are put; `docs/protocol.md` describes it. */
import { createHash, type Hash } from 'node:crypto';
import { z } from 'zod';
import { errorCodes } from '../../protocol/errors.ts';
import type { ShareId } from '../../protocol/ids.ts';
import { WirePath } from '../../protocol/wire-path.ts';
import { archiveLimits } from './archive-format.ts';

/** Of a part, compared one by one when it is gone on with. */
export const heldBlock = 1 << 20;
/** Bytes of a digest. */
export const digestBytes = 32;

/** SHA-256 (FIPS 180-4). */
export function newDigest(): Hash {
  return createHash('sha256');
}

/**
 * Who puts has at most `mostUntold` bytes on their way that are not in a file there: an end that is killed loses no more,
 * however large the buffers of the systems are. It asks by `asksToTell` for a `102` after each `toldBytes`; among many each
 * file counts its content and `toldOfFile`.
 */
export const asksToTell = { 'nethood-tell': '1' } as const;
export const mostUntold = 3 << 20;
export const toldBytes = 1 << 20;
export const toldOfFile = 2 << 10;

const Whole = z.coerce.number().int().min(0);

/** Of one run of a put, the same when it tries again. */
export const RunHeaders = z.object({ 'nethood-run': z.string().min(1).max(64) });

/** Of `held`: how many bytes are there, and in the body a digest for each block of them. */
export const HeldHeaders = z.object({ 'nethood-held': Whole });

/** Of `part`: the body has the file from `offset` on, and then the digest of these bytes. */
export const PartHeaders = RunHeaders.extend({
  'content-length': Whole,
  'nethood-size': Whole,
  'nethood-offset': Whole,
  'nethood-modified': z.coerce.number().int(),
  'nethood-keep': z.literal('1').optional(),
});
export type PartHeaders = z.infer<typeof PartHeaders>;

/** Under which name it is whole and safe on the disk. */
export const PartAnswer = z.object({ path: WirePath });

/** Of `archive-in`: `at` counts the files of the tar from 0; all others are whole and safe on the disk. */
export const ArchiveAnswer = z.object({
  taken: z.int().min(0),
  failed: z
    .array(z.object({ at: z.int().min(0), code: z.enum(errorCodes).catch('internal') }))
    .max(archiveLimits.files),
});
export type ArchiveAnswer = z.infer<typeof ArchiveAnswer>;

export function putUrl(share: ShareId, what: 'held' | 'part' | 'archive-in', path: WirePath): string {
  return `/files/${share}/${what}/${path}`;
}

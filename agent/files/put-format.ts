/** What is said in headers and bodies when files are put; `docs/protocol.md` describes it. */
import { createHash, type Hash } from 'node:crypto';
import { z } from 'zod';
import { errorCodes } from '../../protocol/errors.ts';
import type { ShareId } from '../../protocol/ids.ts';
import { WirePath } from '../../protocol/wire-path.ts';
import { archiveLimits } from './archive-format.ts';
import { isZero } from './block-digest.ts';
import type { SideLoad } from './block-frames.ts';

/** Of a part, compared one by one when it is gone on with. */
export const heldBlock = 1 << 20;
/** Bytes of a digest. */
export const digestBytes = 32;

/** SHA-256 (FIPS 180-4). */
export function newDigest(): Hash {
  return createHash('sha256');
}

let digestOfZeros: Buffer | undefined;

/** Of a block of a part. Those of holes are all the same, and many. */
export function heldDigest(block: Buffer): Buffer {
  if (block.length < heldBlock || !isZero(block)) return newDigest().update(block).digest();
  return (digestOfZeros ??= newDigest().update(block).digest());
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

/** Who puts asks for what the receiver waits for, twice a second: a `102` with `loadHeader`, which counts no bytes. */
export const asksForLoad = { 'nethood-load': '1' } as const;
export const loadHeader = 'nethood-load';

export function loadText({ disk, processor, setting }: SideLoad): string {
  return `${disk} ${processor} ${setting}`;
}

const Load = z
  .string()
  .regex(/^(\d{1,2}|100)( (\d{1,2}|100)){2}$/)
  .transform((text): SideLoad => {
    const [disk = 0, processor = 0, setting = 0] = text.split(' ').map(Number);
    return { disk, processor, setting, wire: 0 };
  });

/** Undefined for what says nothing. */
export function parseLoad(text: unknown): SideLoad | undefined {
  return Load.safeParse(text).data;
}

const Whole = z.coerce.number().int().min(0);

/** Of one run of a put, the same when it tries again. */
export const RunHeaders = z.object({ 'nethood-run': z.string().min(1).max(64) });

/** Of `held`: how many bytes are there, and in the body a digest for each block of them. */
export const HeldHeaders = z.object({ 'nethood-held': Whole });

/**
 * Of `part`: the body has the file from `offset` on, as it is or in blocks, and then the digest of all that came before:
 * holes are held to it by their heads, at no cost for the zeros.
 */
export const PartHeaders = RunHeaders.extend({
  /** Absent of blocks: how many are holes is not known before they are looked for. */
  'content-length': Whole.optional(),
  /** Of blocks: bytes that the file takes at its sender. */
  'nethood-allocated': Whole.optional(),
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

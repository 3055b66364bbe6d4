/**
 * The peer protocol, version 1: JSON text frames on the WebSocket `/peer` (subprotocol `nethood.v1`) between two agents.
 *
 * Request `{type, id, …}`, answered by `{type: 'result', id, …}` or `{type: 'error', id, code, message, retryAfterMs?}`;
 * `{type: 'cancel', id}` stops the work; events have no id. Each side numbers its own requests and keeps at most 64
 * open. Schemas drop unknown keys, so that version 1 agents understand later ones. `docs/protocol.md` describes each
 * message.
 */
import { z } from 'zod';
import { errorCodes } from './errors.ts';
import { BootId, DeviceId, DisplayName, JobUuid, ShareId } from './ids.ts';
import { JobState, Keywords, Resources } from './resources.ts';
import { WirePath } from './wire-path.ts';

export const peerSubprotocol = 'nethood.v1';
export const protocolVersion = { min: 1, max: 1 } as const;

export const peerLimits = {
  /** Bytes of one message. */
  message: 1 << 20,
  openRequests: 64,
  /** Entries in one page of a listing. */
  page: 500,
} as const;

/** Milliseconds; the one table of deadlines between agents. */
export const deadlines = {
  dial: 5_000,
  tls: 5_000,
  hello: 5_000,
  request: 15_000,
  /** To move, copy or remove whole trees; that the other side lives is seen by its session meanwhile. */
  change: 600_000,
  /** No byte of a body for so long ends it. */
  stall: 60_000,
  pingAfter: 5_000,
  /** With the two rounds below 14 s of silence: within the promised 15 even where timers are late. */
  pingAnswer: 4_500,
  missedPings: 2,
} as const;

/** Features of this version; one is used only where both sides list it. */
export const features = [
  'walk',
  'archive',
  'job-events',
  'write',
  'put',
  'watch',
  'tree',
  'digests',
  'put-frames',
  'put-blocks',
] as const;

export const RequestId = z
  .int()
  .min(1)
  .max(2 ** 31);

export const Hello = z.object({
  type: z.literal('hello'),
  protocol: z.object({ min: z.int().min(1), max: z.int().min(1) }),
  features: z.array(z.string().max(64)).max(64),
  boot: BootId,
  device: z.object({ id: DeviceId, name: DisplayName }),
  /** The sender's peers port: who was dialled cannot see it, and no announcement may be there to tell. */
  port: z.int().min(1).max(65535),
  resources: Resources,
});
export type Hello = z.infer<typeof Hello>;

export const EntryKind = z.enum(['folder', 'file']);
export type EntryKind = z.infer<typeof EntryKind>;

/** One file or folder. `path` is relative to the folder asked for: one component in `list`, several in `walk`. */
export const PeerEntry = z.object({
  path: WirePath,
  kind: EntryKind,
  /** Bytes; 0 for a folder. */
  size: z.int().min(0),
  /** Bytes that it takes at its owner, where it has holes. */
  allocated: z.int().min(0).optional(),
  /** Milliseconds since 1970, whole. */
  modified: z.int(),
});
export type PeerEntry = z.infer<typeof PeerEntry>;

/** Opaque to the asker; ends with the session. */
const Cursor = z.string().max(1024);

const Ping = z.object({ type: z.literal('ping'), id: RequestId });
const Stat = z.object({ type: z.literal('stat'), id: RequestId, share: ShareId, path: WirePath });
const List = z.object({
  type: z.literal('list'),
  id: RequestId,
  share: ShareId,
  path: WirePath,
  cursor: Cursor.optional(),
});
/** As `list`, but everything below the folder, each folder before what it holds. */
const Walk = z.object({
  type: z.literal('walk'),
  id: RequestId,
  share: ShareId,
  path: WirePath,
  cursor: Cursor.optional(),
});

/** One folder, whose parent is there. Feature `write`, as all that follows. */
const Mkdir = z.object({ type: z.literal('mkdir'), id: RequestId, share: ShareId, path: WirePath });
const relocation = { id: RequestId, share: ShareId, path: WirePath, to: WirePath, replace: z.boolean() };
const Move = z.object({ type: z.literal('move'), ...relocation });
/** A folder with all that it holds; with `flat` the folder alone. */
const Copy = z.object({ type: z.literal('copy'), ...relocation, flat: z.boolean().optional() });
/** A folder with all that it holds. */
const Remove = z.object({ type: z.literal('remove'), id: RequestId, share: ShareId, path: WirePath });
/** Sets the time of a file or folder; milliseconds since 1970. */
const Touch = z.object({ type: z.literal('touch'), id: RequestId, share: ShareId, path: WirePath, modified: z.int() });
/** To be told by `folder` events when something in this folder changes. Feature `watch`. */
const Watch = z.object({ type: z.literal('watch'), id: RequestId, share: ShareId, path: WirePath });

/**
 * What the sender is about to put below a folder of the share, each folder before what it holds. Folders are made at
 * once; of files the answer says which are wanted. With `keep` a file never takes the place of another. Feature `put`.
 */
const Offer = z.object({
  type: z.literal('offer'),
  id: RequestId,
  share: ShareId,
  path: WirePath,
  keep: z.boolean(),
  entries: z.array(PeerEntry).min(1).max(peerLimits.page),
});
/** Folders into which nothing more will be put: they get their times, and are made to survive a power cut. */
const Seal = z.object({
  type: z.literal('seal'),
  id: RequestId,
  share: ShareId,
  path: WirePath,
  folders: z
    .array(z.object({ path: WirePath, modified: z.int() }))
    .min(1)
    .max(peerLimits.page),
});

export const PeerRequest = z.discriminatedUnion('type', [
  Ping,
  Stat,
  List,
  Walk,
  Mkdir,
  Move,
  Copy,
  Remove,
  Touch,
  Offer,
  Seal,
  Watch,
]);
export type PeerRequest = z.infer<typeof PeerRequest>;
export type PeerRequestType = PeerRequest['type'];

/** What a second asking would do, or be told, twice: it is never asked again by itself, and has more time. */
const changing: ReadonlySet<PeerRequestType> = new Set(['mkdir', 'move', 'copy', 'remove', 'seal']);

export function changesSomething(type: PeerRequestType): boolean {
  return changing.has(type);
}

export function deadlineOf(type: PeerRequestType): number {
  return changesSomething(type) ? deadlines.change : deadlines.request;
}

/** A page; `cursor` is absent on the last. `skipped` counts links, special files and names that cannot be sent. */
export const ListResult = z.object({
  entries: z.array(PeerEntry).max(peerLimits.page),
  cursor: Cursor.optional(),
  skipped: z.int().min(0),
});
export type ListResult = z.infer<typeof ListResult>;

const StatResult = z.object({ entry: PeerEntry });
const Nothing = z.object({});
/** For how long; asking again renews it. */
const WatchResult = z.object({ leaseMs: z.int().min(1_000).max(3_600_000) });
/** To one offered entry. */
export const OfferAnswer = z.discriminatedUnion('state', [
  /**
   * The folder is there; or the file, by size and time. `path` in the share, where both were kept and it has another name.
   * `fresh`: the folder was made for it and is empty, so that nothing in it needs to be offered.
   */
  z.object({ state: z.literal('here'), path: WirePath.optional(), fresh: z.boolean().optional() }),
  /** `held` bytes of the file are there from an earlier try, whatever they are worth. */
  z.object({ state: z.literal('wanted'), held: z.int().min(0) }),
  z.object({ state: z.literal('refused'), code: z.enum(errorCodes).catch('internal'), message: z.string().max(1000) }),
]);
export type OfferAnswer = z.infer<typeof OfferAnswer>;
/** One answer to each entry, in their order. */
const OfferResult = z.object({ answers: z.array(OfferAnswer).max(peerLimits.page) });
/** Whether something made room for it. */
const Relocated = z.object({ replaced: z.boolean() });

export const peerResults = {
  ping: Nothing,
  stat: StatResult,
  list: ListResult,
  walk: ListResult,
  mkdir: Nothing,
  move: Relocated,
  copy: Relocated,
  remove: Nothing,
  touch: Nothing,
  watch: WatchResult,
  offer: OfferResult,
  seal: Nothing,
} as const satisfies Record<PeerRequestType, z.ZodType>;
export type PeerResult<T extends PeerRequestType> = z.infer<(typeof peerResults)[T]>;

export const Cancel = z.object({ type: z.literal('cancel'), id: RequestId });

/** The resources of the sender changed; the whole list again, filtered for the receiver. */
const ResourcesEvent = z.object({ type: z.literal('resources'), resources: Resources });
/** The sender got another name. */
const NameEvent = z.object({ type: z.literal('name'), name: DisplayName });
/** A job that the receiver submitted to the sender's printer changed. */
export const JobEvent = z.object({
  type: z.literal('job'),
  uuid: JobUuid,
  state: JobState,
  stateReasons: Keywords,
  message: z.string().max(1023).optional(),
  pagesCompleted: z.int().min(0).optional(),
  pagesTotal: z.int().min(0).optional(),
  /** Milliseconds since 1970: when its owner gives it up, while it waits there for the printer. */
  expires: z.int().min(0).optional(),
});
export type JobEvent = z.infer<typeof JobEvent>;

/** Something in a folder that the receiver watches changed, or may have. */
export const FolderEvent = z.object({ type: z.literal('folder'), share: ShareId, path: WirePath });
export type FolderEvent = z.infer<typeof FolderEvent>;

export const PeerEvent = z.discriminatedUnion('type', [ResourcesEvent, NameEvent, JobEvent, FolderEvent]);
export type PeerEvent = z.infer<typeof PeerEvent>;

/** The body of a result is checked by the asker, who knows what it asked. */
export const ResultFrame = z.looseObject({ type: z.literal('result'), id: RequestId });
export const ErrorFrame = z.object({
  type: z.literal('error'),
  id: RequestId,
  code: z.enum(errorCodes).catch('internal'),
  message: z.string().max(1000),
  retryAfterMs: z.int().min(0).max(3_600_000).optional(),
});
/** What every frame has; the least that an unknown one must show to be answered `unsupported`. */
export const AnyFrame = z.looseObject({ type: z.string().max(64), id: RequestId.optional() });

/** WebSocket close codes (RFC 6455 7.4): 4000 to 4999 are ours. */
export const closeCodes = {
  goingAway: 1001,
  badMessage: 4000,
  helloTimeout: 4001,
  unsupportedVersion: 4002,
  replaced: 4003,
  blocked: 4004,
  dead: 4005,
  /** The address that this side had is gone; it dials again from another. */
  moved: 4006,
} as const;

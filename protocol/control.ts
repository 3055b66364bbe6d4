/**
 * The control API of one agent, on loopback only: what the tray, the command line and the page see and ask.
 *
 * `GET /v1/snapshot` gives a Snapshot. `GET /v1/events` streams NDJSON: one `snapshot`, then `change` lines that each
 * replace one section of it. Everything else is `POST /v1/<call>` with a JSON body, answered by JSON; the calls in
 * `streams` answer NDJSON until the thing watched has ended, with an empty line where nothing happened for 15 s.
 * `POST /v1/print` takes the document as its body and its parameters in the query. Errors: `{error: {code, message}}`
 * with the HTTP status of `protocol/errors.ts`; a stream that fails half-way has it as its last line.
 */
import { z } from 'zod';
import { DoctorReport } from './doctor.ts';
import { errorCodes } from './errors.ts';
import { DeviceId, DisplayName, JobId, JobUuid, QueueName, ShareId, ShareName, TransferId } from './ids.ts';
import { mountCalls } from './mounts.ts';
import { EntryKind } from './peer.ts';
import { AccountingLine, InstalledPrinter } from './print-order.ts';
import { Audience, JobState, Keywords, PrinterState, RemotePrinter, RemoteShare, Rights, Supply } from './resources.ts';
import { WirePath } from './wire-path.ts';

const Text = z.string().max(4096);
const Millis = z.int().min(0);
/** ISO 8601, UTC. */
const Time = z.iso.datetime();

export const ShareView = z.object({
  id: ShareId,
  name: ShareName,
  folder: Text,
  audience: Audience,
  rights: Rights,
  /** `unavailable`: the folder is gone, or cannot be read; its share stays listed, not empty. */
  state: z.enum(['ok', 'unavailable']),
});
export type ShareView = z.infer<typeof ShareView>;

export const PrinterView = z.object({
  id: QueueName,
  name: DisplayName,
  /** The device's name: ours, or the neighbour's. */
  owner: DisplayName,
  ownerId: DeviceId,
  local: z.boolean(),
  shared: z.boolean(),
  /** Null where it is not shared, or not ours to know. */
  audience: Audience.nullable(),
  /** Why it can never be shared, in one sentence; null where it can. */
  unshareable: Text.nullable(),
  state: PrinterState,
  stateReasons: Keywords,
  accepting: z.boolean(),
  supplies: z.array(Supply),
  /** Jobs that wait or print: those of its owner's spool, and of ours on the way there. */
  jobs: Millis,
  /** A neighbour's: the local print queue that leads to it; null where none was installed. */
  installed: Text.nullable(),
  /** Own and shared with everyone: where guests print; else null. */
  uri: Text.nullable(),
});
export type PrinterView = z.infer<typeof PrinterView>;

export const NeighbourState = z.enum(['found', 'connecting', 'ready', 'gone']);
export type NeighbourState = z.infer<typeof NeighbourState>;
export const Trust = z.enum(['stranger', 'paired', 'office', 'blocked']);
export type Trust = z.infer<typeof Trust>;

export const NeighbourView = z.object({
  id: DeviceId,
  name: DisplayName,
  state: NeighbourState,
  trust: Trust,
  /** As text, link-local IPv6 with its zone; the one in use first. */
  addresses: z.array(Text),
  port: z.int().min(1).max(65535),
  shares: z.array(RemoteShare),
  printers: z.array(RemotePrinter),
  /** Why it is not `ready`, where known. */
  problem: Text.nullable(),
  lastSeen: Time.nullable(),
});
export type NeighbourView = z.infer<typeof NeighbourView>;

export const JobView = z.object({
  id: JobId,
  uuid: JobUuid,
  /** Queue name for an own printer, `<neighbour>/<printer>` otherwise. */
  printer: Text,
  /** Who sent it: `<user> on <device or address>`. */
  from: Text,
  /** True where it was printed here, false where it came from a neighbour or guest. */
  own: z.boolean(),
  name: Text,
  state: JobState,
  stateReasons: Keywords,
  message: Text.nullable(),
  /** Pages completed, null where the device does not say. */
  pages: Millis.nullable(),
  /** Of how many; null where nobody knows yet. */
  pagesTotal: Millis.nullable(),
  bytes: Millis,
  created: Time,
  /** While its printer is away: when it is given up; null where it does not wait. */
  expires: Time.nullable(),
});
export type JobView = z.infer<typeof JobView>;

export const TransferState = z.enum(['running', 'waiting', 'done', 'failed', 'cancelled']);
export type TransferState = z.infer<typeof TransferState>;

/** What keeps a transfer from being faster; `setting`: the user's `transfers.rate`, of either side. */
export const TransferLimit = z.enum(['their-disk', 'our-disk', 'network', 'processor', 'setting']);
export type TransferLimit = z.infer<typeof TransferLimit>;

const ErrorView = z.object({ code: z.enum(errorCodes), message: Text });

export const TransferView = z.object({
  id: TransferId,
  direction: z.enum(['get', 'put']),
  neighbour: DisplayName,
  neighbourId: DeviceId,
  /** What is moved, for people: `<neighbour>/<share>/<path>`; of a put the absolute path here. */
  source: Text,
  /** Absolute path of the final file or folder; of a put `<neighbour>/<share>/<path>`. */
  destination: Text,
  state: TransferState,
  files: Millis,
  filesTotal: Millis.nullable(),
  /** Bytes on disk, those of an earlier try included. */
  bytes: Millis,
  bytesTotal: Millis.nullable(),
  /** Bytes that were already there when this run began. */
  resumedFrom: Millis,
  /** Links, special files and names that could not be taken. */
  skipped: Millis,
  /** Bytes per second over the last seconds. */
  rate: Millis,
  /** Null where it does not run, or nobody can say. */
  secondsLeft: Millis.nullable(),
  /** Of the last second, in the end of all its time; null while unknown. */
  limit: TransferLimit.nullable(),
  seconds: z.number().min(0),
  error: ErrorView.nullable(),
});
export type TransferView = z.infer<typeof TransferView>;

/** Something that needs a person, one sentence; gone when it is mended. */
export const NoticeView = z.object({ code: z.enum(errorCodes), part: z.string().max(64), message: Text });
export type NoticeView = z.infer<typeof NoticeView>;

export const Snapshot = z.object({
  device: z.object({ id: DeviceId, name: DisplayName }),
  version: Text,
  paused: z.boolean(),
  ports: z.object({
    loopback: z.int(),
    peers: z.int(),
    /** Null while nothing is shared with everyone. */
    guests: z.int().nullable(),
  }),
  page: Text.nullable(),
  shares: z.array(ShareView),
  printers: z.array(PrinterView),
  neighbours: z.array(NeighbourView),
  jobs: z.array(JobView),
  transfers: z.array(TransferView),
  notices: z.array(NoticeView),
});
export type Snapshot = z.infer<typeof Snapshot>;
export type SnapshotSection = keyof Snapshot;

export const EventLine = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), snapshot: Snapshot }),
  z.object({ type: z.literal('change'), sections: Snapshot.partial() }),
  /** Sent when nothing else was for 15 s, so that a dead agent is noticed. */
  z.object({ type: z.literal('alive') }),
]);
export type EventLine = z.infer<typeof EventLine>;

/** The snapshot after a line of `/v1/events`; a change before the first snapshot says nothing. */
export function applyEventLine(snapshot: Snapshot | undefined, line: EventLine): Snapshot | undefined {
  switch (line.type) {
    case 'snapshot':
      return line.snapshot;
    case 'change':
      // JSON knows no `undefined`: a section that is there has a value.
      return snapshot === undefined ? undefined : ({ ...snapshot, ...line.sections } as Snapshot);
    case 'alive':
      return snapshot;
  }
}

export const EntryView = z.object({
  name: Text,
  path: WirePath,
  kind: EntryKind,
  size: Millis,
  /** ISO 8601, UTC. */
  modified: Time,
});
export type EntryView = z.infer<typeof EntryView>;

/** A neighbour as a person names it: its name, a prefix of its name that fits only one, or a prefix of its id. */
const NeighbourName = z.string().min(1).max(256);
/** Names of devices for `--for`, or the two words. */
const AudienceText = z.union([z.literal('everyone'), z.literal('colleagues'), z.array(NeighbourName).min(1).max(200)]);
const Nothing = z.object({});

/** Every call: the schema of its body and of its answer. */
export const calls = {
  stop: { request: Nothing, response: Nothing },
  rename: { request: z.object({ name: DisplayName }), response: z.object({ name: DisplayName }) },
  pause: { request: Nothing, response: Nothing },
  resume: { request: Nothing, response: Nothing },
  share: {
    request: z.object({
      /** Absolute; with `public` the folder `Public` is made if need be. */
      folder: Text.optional(),
      public: z.boolean().optional(),
      name: ShareName.optional(),
      audience: AudienceText.optional(),
      write: z.boolean().optional(),
    }),
    response: ShareView,
  },
  unshare: { request: z.object({ name: Text }), response: ShareView },
  'printer-share': { request: z.object({ name: Text, audience: AudienceText.optional() }), response: PrinterView },
  'printer-unshare': { request: z.object({ name: Text }), response: PrinterView },
  /** `<neighbour>/<printer>`; for `uninstall` the local queue's name does too. With a `command` it is for a person to be done. */
  'printer-install': { request: z.object({ name: Text }), response: InstalledPrinter },
  'printer-uninstall': { request: z.object({ name: Text }), response: InstalledPrinter },
  /** `host`, `host:port`, `[v6%zone]:port`; the port defaults to 6631. */
  'neighbour-add': { request: z.object({ address: Text }), response: NeighbourView },
  /** One neighbour, after a session with it was tried for, so that what it shares is known. */
  neighbour: { request: z.object({ neighbour: NeighbourName }), response: NeighbourView },
  'neighbour-forget': { request: z.object({ neighbour: NeighbourName }), response: Nothing },
  /** Looks around for some seconds. */
  doctor: { request: Nothing, response: DoctorReport },
  list: {
    /** `path` as typed: a wire path or plain names. Of a file: its own entry. */
    request: z.object({ neighbour: NeighbourName, share: Text, path: Text, cursor: z.string().max(1024).optional() }),
    response: z.object({ entries: z.array(EntryView), cursor: z.string().optional(), skipped: Millis }),
  },
  get: {
    /** `path` as typed, or a pattern. `destination` is absolute: a folder to put it in, or the final name. The same request joins a running transfer. */
    request: z.object({ neighbour: NeighbourName, share: Text, path: Text, destination: Text }),
    response: TransferView,
  },
  ...mountCalls,
  put: {
    /** `source` is absolute. `path` as typed: a folder that is there (with `into` it must be), or the final name. The same request joins a running transfer. */
    request: z.object({
      source: Text,
      neighbour: NeighbourName,
      share: Text,
      path: Text,
      into: z.boolean().optional(),
      /** What is there stays, and this comes beside it. */
      keep: z.boolean().optional(),
    }),
    response: TransferView,
  },
  'transfer-cancel': { request: z.object({ id: TransferId }), response: TransferView },
  'job-cancel': { request: z.object({ id: JobId }), response: JobView },
  'job-hold': { request: z.object({ id: JobId }), response: JobView },
  'job-release': { request: z.object({ id: JobId }), response: JobView },
  /** Jobs that ended on printers of this PC, the newest first; 1,000 of them where no limit says otherwise. */
  accounting: {
    request: z.object({ since: Time.optional(), limit: z.int().min(1).max(20_000).optional() }),
    response: z.object({ lines: z.array(AccountingLine) }),
  },
} as const satisfies Record<string, { request: z.ZodType; response: z.ZodType }>;
export type CallName = keyof typeof calls;
export type CallRequest<N extends CallName> = z.infer<(typeof calls)[N]['request']>;
export type CallResponse<N extends CallName> = z.infer<(typeof calls)[N]['response']>;

/** Calls that answer one line per change until the thing has ended. */
export const streams = {
  'transfer-watch': { request: z.object({ id: TransferId }), line: TransferView },
  'job-watch': { request: z.object({ id: JobId }), line: JobView },
  /** A line when a folder should be listed: at first, then each time that it changed. Ends when who asked goes. */
  'folder-watch': {
    request: z.object({ neighbour: NeighbourName, share: Text, path: Text }),
    line: z.object({ look: z.int().min(1) }),
  },
  /** What fits a pattern as shells have it, page by page; the names are paths from the first wildcard on. */
  matches: {
    request: z.object({ neighbour: NeighbourName, share: Text, path: Text }),
    line: z.object({ entries: z.array(EntryView), skipped: Millis }),
  },
} as const;
export type StreamName = keyof typeof streams;

export const ErrorBody = z.object({ error: ErrorView });

/** `run/agent.json` (0600): how a face finds and addresses the agent of its home. */
export const AgentFile = z.object({
  pid: z.int().min(1),
  url: z.url(),
  token: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type AgentFile = z.infer<typeof AgentFile>;

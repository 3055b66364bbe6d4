/** What the control API can do, as types: the calls of `protocol/control.ts`, and the parts that they are built on. */
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { ConfigStore } from '../../config/config-store.ts';
import type { CallName, CallRequest, CallResponse, JobView, StreamName, streams } from '../../protocol/control.ts';
import type { DeviceId, ShareId } from '../../protocol/ids.ts';
import type { PrintQuery } from '../../protocol/print-order.ts';
import type { Clock } from '../base/clock.ts';
import type { FileTree } from '../files/file-tree.ts';
import type { Shares, Transfers } from '../files/files-service.ts';
import type { Mounts } from '../files/mounts.ts';
import type { Neighbour, Neighbours } from '../peers/neighbours.ts';
import type { PrintService } from '../printing/print-service.ts';
import type { Doctor } from './doctor.ts';

export type ControlCalls = {
  readonly [N in CallName]: (request: CallRequest<N>, signal: AbortSignal) => Promise<CallResponse<N>>;
};

type StreamRequest<N extends StreamName> = z.infer<(typeof streams)[N]['request']>;
type StreamLine<N extends StreamName> = z.infer<(typeof streams)[N]['line']>;

export type ControlStreams = {
  readonly [N in StreamName]: (request: StreamRequest<N>, signal: AbortSignal) => AsyncIterable<StreamLine<N>>;
};

export interface ControlActions {
  readonly calls: ControlCalls;
  readonly streams: ControlStreams;
  /** Kept when the document is durably in our own spool. */
  print(query: PrintQuery, document: Readable, signal: AbortSignal): Promise<JobView>;
}

/** The table of neighbours, with what only its own user may do to it. */
export interface NeighbourTable extends Neighbours {
  /** `host`, `host:port`, `[v6%zone]:port`; kept when its key is known. @throws `usage`, `unreachable` */
  addByHand(address: string, signal: AbortSignal): Promise<Neighbour>;
  forget(id: DeviceId): Promise<void> | void;
  /** Our own new name: every session is told. */
  rename(name: string): Promise<void> | void;
}

export interface ActionDeps {
  readonly clock: Clock;
  readonly config: ConfigStore;
  readonly shares: Shares;
  readonly transfers: Transfers;
  readonly mounts: Pick<Mounts, 'add' | 'revoke' | 'list'>;
  readonly printing: PrintService;
  readonly neighbours: NeighbourTable;
  readonly doctor: Pick<Doctor, 'examine'>;
  readonly remoteTree: (id: DeviceId, share: ShareId) => FileTree;
  /** Absolute: `files/Public`. */
  readonly publicFolder: string;
  /** The user's name in the operating system, for the banner of a job. */
  readonly user: string;
  /** Begins the end of the agent; returns at once. */
  readonly stop: () => void;
}

import type { ShareId } from '../../protocol/ids.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { FileTree } from './file-tree.ts';
import type { PeerHttp } from './peer-http.ts';
import type { TransferRecords } from './transfer-records.ts';
import type { TransferCourse } from './transfer-work.ts';

/** What the parts of one running get share. */
export interface GetContext extends TransferCourse {
  readonly peer: PeerHttp;
  readonly tree: FileTree;
  readonly share: ShareId;
  /** What is fetched, within the share. */
  readonly path: WirePath;
  /** The same for people. */
  readonly source: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly records: TransferRecords;
}

/** The three requests by which the bytes of a put come; `receive-offer.ts` answers the questions about them. */
import { NethoodError } from '../../protocol/errors.ts';
import type { ShareId } from '../../protocol/ids.ts';
import { parseWirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { receiveArchive } from './receive-archive.ts';
import { type Reception, receivePart } from './receive-part.ts';
import type { LocalShares } from './shares.ts';
import { tellHeld } from './tell-held.ts';
import type { Uploads } from './uploads.ts';

const receivers: Readonly<Record<string, (reception: Reception, exchange: HttpExchange) => Promise<void>>> = {
  held: tellHeld,
  part: receivePart,
  'archive-in': receiveArchive,
};

/** Whether the rest of a path says one of them. */
export function isPut(rest: string): boolean {
  return Object.hasOwn(receivers, rest.split('/', 1)[0] ?? '');
}

export interface PutRequest {
  readonly share: ShareId;
  /** `<what>/<wire path>` */
  readonly rest: string;
  readonly exchange: HttpExchange;
}

export function receivePut(
  shares: LocalShares,
  uploads: Uploads,
  { share, rest, exchange }: PutRequest,
): Promise<void> {
  const [what = ''] = rest.split('/', 1);
  const receive = Object.hasOwn(receivers, what) ? receivers[what] : undefined;
  if (receive === undefined)
    throw new NethoodError('unsupported', 'This agent does not know such a request for files.');
  const tree = shares.writable(exchange.asker, share);
  const path = parseWirePath(rest.slice(what.length + 1));
  return receive({ uploads, tree, share, path }, exchange);
}

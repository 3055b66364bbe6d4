/** What a door that serves WebDAV (RFC 4918) gives, and what it gets; `createDavHandler` of `webdav.ts` joins the two. */
import type { Clock } from '../base/clock.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import type { FileTree, WritableTree } from './file-tree.ts';

export interface DavDoor {
  readonly tree: FileTree;
  /** The same tree, where it may be changed. Without it the door is of class 1 and every change is refused (403). */
  readonly writable?: WritableTree | undefined;
  /** The path of `tree`'s root at this door, as clients see it: percent-encoded, `/` at both ends. */
  readonly prefix: string;
  /** For people: the name of the root in listings and on its page in a browser. */
  readonly title: string;
  readonly clock: Clock;
}

/** `path` is what follows the prefix, undecoded, without query. The asker's right to be here is the door's affair. */
export type DavExchange = Pick<HttpExchange, 'request' | 'response' | 'path' | 'signal'>;

/**
 * Answers one request, errors of the tree included. Locks and dead properties are kept in memory, one set for each
 * handler: what is seen by two doors and may be changed must have one. @throws only what is our own fault
 * (`internal`), what breaks after the answer has begun (the door then breaks the connection), or the signal's reason.
 */
export type DavHandler = (exchange: DavExchange) => Promise<void>;

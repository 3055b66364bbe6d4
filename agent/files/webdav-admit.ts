/** Whether a change may begin: its conditions hold, and whoever asks shows the tokens of all locks in the way. */
import type { WirePath } from '../../protocol/wire-path.ts';
import { parentPath } from '../../protocol/wire-path.ts';
import { type CurrentVersion, isConditional, preconditions } from './http-conditions.ts';
import { type IfCondition, type IfList, parseIf, tokensIn } from './webdav-if.ts';
import type { Lock } from './webdav-locks.ts';
import { answer, type DavRequest, lookUp, versionOf } from './webdav-request.ts';
import { hrefOf, targetOfUrl } from './webdav-target.ts';

/** A resource that a request changes. */
export interface Affected {
  readonly path: WirePath;
  /** It comes or goes, which changes its folder (RFC 4918 section 7.4). */
  readonly member: boolean;
  /** With all below. */
  readonly deep: boolean;
}

export interface Admitted {
  /** Of what is at the request's path; undefined where nothing is, or no condition made us look. */
  readonly version: CurrentVersion | undefined;
}

/** Undefined after it has answered: 412 or 423. */
export async function admit(request: DavRequest, affected: readonly Affected[]): Promise<Admitted | undefined> {
  const { headers } = request.request;
  const header = headers['if'];
  const lists = typeof header === 'string' ? parseIf(header) : [];
  const version = isConditional(headers) ? await versionAt(request, request.path) : undefined;
  if (preconditions(headers, version, false) === 'failed' || !(await someHolds(lists, request))) {
    answer(request.response, 412, { text: 'A condition of the request does not hold.\n' });
    return undefined;
  }
  const locked = lockedBy(request, affected, tokensIn(lists));
  if (locked.length === 0) return { version };
  const hrefs = locked.map(({ root, kind }) => `<D:href>${hrefOf(request.door.prefix, root, kind)}</D:href>`);
  const condition = `<D:lock-token-submitted>${hrefs.join('')}</D:lock-token-submitted>`;
  answer(request.response, 423, { condition });
  return undefined;
}

/** Locks in the way whose token was not shown. Of several shared ones on a resource one token is enough. */
function lockedBy(request: DavRequest, affected: readonly Affected[], shown: ReadonlySet<string>): Lock[] {
  const { locks } = request.state;
  const groups: (readonly Lock[])[] = [];
  for (const { path, member, deep } of affected) {
    groups.push(locks.on(path));
    if (member && path !== '') groups.push(locks.on(parentPath(path)));
    if (deep) groups.push(...locks.below(path));
  }
  const closed = groups.filter((group) => group.length > 0 && !group.some(({ token }) => shown.has(token)));
  return [...new Set(closed.flat())];
}

async function someHolds(lists: readonly IfList[], request: DavRequest): Promise<boolean> {
  for (const list of lists) if (await holds(list, request)) return true;
  return lists.length === 0;
}

async function holds({ url, conditions }: IfList, request: DavRequest): Promise<boolean> {
  const { headers } = request.request;
  const path = url === undefined ? request.path : targetOfUrl(url, { prefix: request.door.prefix, headers })?.path;
  for (const condition of conditions) if ((await matches(condition, path, request)) === condition.not) return false;
  return true;
}

/** Nothing matches what is not at this door. */
async function matches(
  { kind, value }: IfCondition,
  path: WirePath | undefined,
  request: DavRequest,
): Promise<boolean> {
  if (path === undefined) return false;
  if (kind === 'token') return request.state.locks.on(path).some(({ token }) => token === value);
  return (await versionAt(request, path))?.etag === value;
}

async function versionAt(request: DavRequest, path: WirePath): Promise<CurrentVersion | undefined> {
  const { door, signal } = request;
  const entry = path === request.path ? request.entry : await lookUp(door.tree, path, signal);
  return entry === undefined ? undefined : versionOf(door.tree, { path, entry }, signal);
}

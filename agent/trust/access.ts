/**
 * Who may do what: the only place that decides. Deny comes before allow. A caller that is told `false` answers
 * `not-found`, for unknown and forbidden things alike, so that nobody learns what exists.
 */
import type { Trust } from '../../protocol/control.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import type { Audience, Rights } from '../../protocol/resources.ts';

export type Asker =
  /** Another agent, known by the key of its socket. */
  | { readonly kind: 'device'; readonly id: DeviceId; readonly trust: Trust; readonly onLink: boolean }
  /** A request without a key: a foreign print system, a file manager. The address is no proof, but tells guests apart. */
  | { readonly kind: 'guest'; readonly onLink: boolean; readonly address?: string }
  /** The user of this agent, by the control API. */
  | { readonly kind: 'owner' };

export interface Resource {
  readonly audience: Audience;
  readonly rights: Rights;
}

export type Verb = 'see' | 'read' | 'print' | 'write';

export interface AccessRules {
  /** The user paused sharing: nothing is shared with anybody. */
  readonly paused: boolean;
}

export function access(asker: Asker, resource: Resource, verb: Verb, rules: AccessRules): boolean {
  if (asker.kind === 'owner') return true;
  if (rules.paused) return false;
  if (asker.kind === 'device' && asker.trust === 'blocked') return false;
  if (verb === 'write' && resource.rights !== 'write') return false;
  return inAudience(asker, resource.audience);
}

function inAudience(asker: Exclude<Asker, { kind: 'owner' }>, audience: Audience): boolean {
  if (audience === 'everyone') return asker.onLink;
  if (asker.kind === 'guest') return false;
  if (audience === 'colleagues') return asker.trust === 'paired' || asker.trust === 'office';
  return audience.includes(asker.id);
}

import { closeCodes } from '../../protocol/peer.ts';
import type { LossKind } from './dial-policy.ts';
import type { SessionEnd } from './session.ts';

export interface Loss {
  /** How soon it is dialled again. */
  readonly kind: LossKind;
  /** Not there any more, as far as can be told; otherwise the next dial tells. */
  readonly down: boolean;
  readonly problem: string | undefined;
}

const refusals: ReadonlyMap<number, string> = new Map([
  [closeCodes.unsupportedVersion, 'The two agents have no protocol version in common.'],
  [closeCodes.badMessage, 'The two agents do not understand each other.'],
  [closeCodes.replaced, 'It talks to another device that has the key of this one.'],
]);

const silences = { us: 'It does not answer any more.', them: 'It does not hear this device any more.' } as const;

const blocks = { us: 'It is blocked.', them: 'It does not talk to this device.' } as const;

/** What the end of a session says about the neighbour. */
export function lossOf({ code, by }: SessionEnd): Loss {
  if (code === closeCodes.blocked) return { kind: 'refused', down: true, problem: blocks[by] };
  const problem = refusals.get(code);
  if (problem !== undefined) return { kind: 'refused', down: true, problem };
  if (code === closeCodes.moved && by === 'us') return { kind: 'moved', down: false, problem: undefined };
  if (code === closeCodes.goingAway) return { kind: 'left', down: true, problem: undefined };
  if (code === closeCodes.dead || by === 'us') return { kind: 'broken', down: true, problem: silences[by] };
  return { kind: 'broken', down: false, problem: undefined };
}

/** Parts that degrade alone say so: what is wrong now becomes a notice, and goes when it is mended. */
import type { Clock } from './base/clock.ts';
import type { Scope } from './base/scope.ts';
import type { NoticeBoard } from './control/notices.ts';

interface Watched {
  readonly discovery: { readonly problem: string | undefined };
  readonly printing: { problems(): readonly string[] };
  readonly notices: NoticeBoard;
}

const everyMs = 2_000;

export function watchProblems(scope: Scope, { clock }: { readonly clock: Clock }, watched: Watched): void {
  const { discovery, printing, notices } = watched;
  const look = (): void => {
    say(notices, 'discovery', discovery.problem);
    say(notices, 'printing', printing.problems().join(' ') || undefined);
    if (!scope.signal.aborted) timer = clock.timer(everyMs, look);
  };
  let timer = clock.timer(everyMs, look);
  scope.defer(() => timer[Symbol.dispose]());
}

function say(notices: NoticeBoard, part: string, problem: string | undefined): void {
  if (problem === undefined) notices.clear(part);
  else notices.raise(part, 'unavailable', problem);
}

/** What the parts of an agent stand on. */
import type { ConfigStore } from '../config/config-store.ts';
import type { Paths } from '../config/paths.ts';
import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Scope } from './base/scope.ts';
import type { NoticeBoard } from './control/notices.ts';
import { watchCards } from './discovery/card-watcher.ts';
import { claimPortBlock } from './peers/port-block.ts';
import { loadIdentity } from './trust/identity.ts';
import { openTrustStore } from './trust/trust-store.ts';

export interface AgentDeps {
  readonly paths: Paths;
  readonly config: ConfigStore;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly version: string;
  readonly user: string;
  readonly defaultName: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly stop: () => void;
}

/** What stands by itself: who we are, the ports, the cards. */
export async function composeGround(scope: Scope, deps: AgentDeps, notices: NoticeBoard) {
  const { paths, config, clock, log } = deps;
  const identity = await loadIdentity(paths.state, { now: clock.wall() });
  const trust = await openTrustStore(paths.state);
  if (trust.problem !== undefined) notices.raise('trust', 'config-invalid', trust.problem);
  const block = scope.use(await claimPortBlock({ stateFolder: paths.state, log: log.child({ part: 'ports' }) }));
  if (block.moved)
    notices.raise(
      'ports',
      'no-port',
      `Other programs use the usual ports; ${block.base} to ${block.base + 2} serve for now.`,
    );
  const cards = scope.use(watchCards({ clock, log: log.child({ part: 'cards' }), rules: () => config.current.lan }));
  scope.use(config.events.on('changed', () => cards.look()));
  return {
    identity,
    trust,
    block,
    cards,
    onLink: (address: string) => cards.onLink(address),
    loopbackServes: () => cards.cards.some(({ loopback }) => loopback),
    name: () => config.current.name ?? deps.defaultName,
    clock,
    log: log.child({ part: 'ports' }),
  };
}

export type Ground = Awaited<ReturnType<typeof composeGround>>;

/** Wiring of the faces: what they may ask and do. */
import { join } from 'node:path';
import { writeAgentFile } from '../config/agent-file.ts';
import type { Paths } from '../config/paths.ts';
import type { Log } from './base/log.ts';
import type { Scope } from './base/scope.ts';
import { createActions } from './control/actions.ts';
import type { ActionDeps } from './control/control-actions.ts';
import { createDoctor, type Doctor, type DoctorDeps } from './control/doctor.ts';
import { createControlServer } from './control/server.ts';
import type { SnapshotStore } from './control/snapshot.ts';
import { newToken } from './control/token.ts';
import { judgeCards } from './discovery/cards.ts';
import { allSystemCards } from './discovery/system-cards.ts';
import type { Mounts } from './files/mounts.ts';
import { createRemoteTree } from './files/remote-tree.ts';
import type { PortBlock } from './peers/port-block.ts';
import type { LocalPrintService } from './printing/print-service-deps.ts';
import type { AgentDeps, Ground } from './compose-ground.ts';

type Examined = Pick<DoctorDeps, 'discovery' | 'sources' | 'neighbours'>;

export function composeDoctor(
  scope: Scope,
  { clock, config, platform }: AgentDeps,
  ground: Ground,
  net: Examined,
): Doctor {
  return scope.use(
    createDoctor({
      ...net,
      clock,
      device: { id: ground.identity.id, name: ground.name },
      peersPort: ground.block.ports.peers,
      cards: () => judgeCards(allSystemCards(), config.current.lan, platform),
      browse: async (look, ms) => (await import('./discovery/second-opinion.ts')).browseOnce(look, ms),
      portUsers: async () => (await import('./discovery/port-users.ts')).lookAtMdnsPort(),
    }),
  );
}

interface ControlParts extends Omit<ActionDeps, 'remoteTree' | 'publicFolder' | 'mounts'> {
  readonly paths: Paths;
  readonly block: PortBlock;
  readonly store: SnapshotStore;
  readonly gateway: LocalPrintService['gateway'];
  readonly mounts: Mounts;
  readonly log: Log;
}

/** The faces' door; its address and token are written down only when it answers. */
export async function composeControl(scope: Scope, parts: ControlParts): Promise<void> {
  const { paths, block, clock, neighbours, store } = parts;
  const token = newToken();
  const actions = createActions({
    ...parts,
    remoteTree: (id, share) => createRemoteTree({ neighbours, clock }, id, share),
    publicFolder: join(paths.files, 'Public'),
  });
  const port = block.ports.loopback;
  const log = parts.log.child({ part: 'control' });
  const { gateway, mounts } = parts;
  scope.use(createControlServer({ servers: block.loopback, port, token, store, actions, gateway, mounts, clock, log }));
  scope.use(await writeAgentFile(paths.run, { pid: process.pid, url: `http://127.0.0.1:${port}`, token }));
}

/** Everything that the control API can do, built on the parts. */
import { deviceCalls } from './actions-device.ts';
import { fileCalls } from './actions-files.ts';
import { matches } from './actions-matches.ts';
import { watchFolder } from './actions-watch.ts';
import { mountCalls } from './actions-mounts.ts';
import { neighbourCalls } from './actions-neighbours.ts';
import { printingCalls } from './actions-printing.ts';
import { putCalls } from './actions-put.ts';
import type { ActionDeps, ControlActions } from './control-actions.ts';

export function createActions(deps: ActionDeps): ControlActions {
  const { printing, transfers, user } = deps;
  return {
    calls: {
      ...deviceCalls(deps),
      ...neighbourCalls(deps),
      ...fileCalls(deps),
      ...putCalls(deps),
      ...mountCalls(deps),
      ...printingCalls(deps),
    },
    streams: {
      'transfer-watch': ({ id }, signal) => transfers.watch(id, signal),
      'job-watch': ({ id }, signal) => printing.watch(id, signal),
      'folder-watch': (request, signal) => watchFolder(deps, request, signal),
      matches: (request, signal) => matches(deps, request, signal),
    },
    print: ({ on, name, ...ticket }, document, signal) => printing.print({ on, name, ticket, user, document }, signal),
  };
}

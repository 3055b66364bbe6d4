/** What a click does: a call to the agent, or a folder on the screen. */
import { mkdir } from 'node:fs/promises';
import type { ControlClient } from '../protocol/control-client.ts';
import { NethoodError } from '../protocol/errors.ts';
import type { AgentAction, FolderAction } from './menu-model.ts';

export interface MenuActionDeps {
  /** @throws NethoodError `no-agent` */
  readonly client: () => ControlClient;
  /** What is fetched goes here. */
  readonly filesFolder: string;
  readonly openFolder: (folder: string) => Promise<void>;
  readonly showInFolder: (path: string) => Promise<void>;
}

/** @throws NethoodError */
export async function askAgent(ask: AgentAction, { client, filesFolder }: MenuActionDeps): Promise<void> {
  // The folder of fetched things must exist, or its name would be taken for the final one.
  if (ask.kind === 'get') await makeFolder(filesFolder);
  // The answer is not needed: the change arrives by the events.
  await call(client(), ask, filesFolder);
}

/** @throws NethoodError */
export async function showFolder(
  show: FolderAction,
  { filesFolder, openFolder, showInFolder }: MenuActionDeps,
): Promise<void> {
  switch (show.kind) {
    case 'open-files':
      await makeFolder(filesFolder);
      return openFolder(filesFolder);
    case 'open-folder':
      return openFolder(show.folder);
    case 'show-in-folder':
      return showInFolder(show.path);
  }
}

function call(client: ControlClient, ask: AgentAction, destination: string): Promise<unknown> {
  if ('job' in ask) return client.call(ask.kind, { id: ask.job });
  switch (ask.kind) {
    case 'share-public':
      return client.call('share', { public: true });
    case 'unshare':
      return client.call('unshare', { name: ask.share });
    case 'printer-share':
      return client.call('printer-share', { name: ask.printer, audience: 'everyone' });
    case 'printer-unshare':
      return client.call('printer-unshare', { name: ask.printer });
    case 'get':
      return client.call('get', { neighbour: ask.neighbour, share: ask.share, path: '', destination });
    case 'transfer-cancel':
      return client.call('transfer-cancel', { id: ask.transfer });
    case 'pause':
    case 'resume':
      return client.call(ask.kind, {});
  }
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new NethoodError('write-failed', `The folder ${folder} cannot be made.`, { cause });
  });
}

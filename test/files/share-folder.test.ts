import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { type OwnFolders, refuseOwnFolders } from '../../agent/files/share-folder.ts';
import { codeOf, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());
let home: string;
let own: OwnFolders;

beforeEach(async () => {
  home = await temporaryFolder(scope);
  own = { closed: [join(home, 'agent'), join(home, 'config')], files: join(home, 'agent', 'files') };
  await mkdir(join(home, 'agent', 'files'), { recursive: true });
  await symlink(join(home, 'agent'), join(home, 'link'));
});

const answer = (destination: string): Promise<string> => codeOf(refuseOwnFolders(destination, own));

describe('where a get may write', () => {
  it.each(['agent', 'agent/identity-key.pem', 'config', 'config/config.json', 'link', 'link/new.txt', 'AGENT/state'])(
    'is not in what the agent keeps: %s',
    async (path) => {
      expect(await answer(join(home, path))).toBe('not-permitted');
    },
  );

  it.each(['', 'agents', 'agent/files', 'agent/files/new.txt', 'missing/folder', 'config.json'])(
    'is anywhere else, also around it: "%s"',
    async (path) => {
      expect(await answer(join(home, path))).toBe('no error');
    },
  );
});

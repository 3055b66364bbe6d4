import { expect, test } from 'vitest';
import { openFolderCommand, runOpenCommand, showInFolderCommand } from '../../tray/open-folder.ts';

test.each([
  ['linux', { program: 'xdg-open', args: ['/srv/My & files'] }],
  ['darwin', { program: 'open', args: ['-a', 'Finder', '/srv/My & files'] }],
  ['win32', { program: 'explorer.exe', args: ['/srv/My & files'] }],
] as const)('on %s a folder is one argument of the file manager', (platform, command) => {
  expect(openFolderCommand('/srv/My & files', platform)).toEqual(command);
});

test.each([
  ['linux', { program: 'xdg-open', args: ['/home/anna/Nethood'] }],
  ['darwin', { program: 'open', args: ['-R', '/home/anna/Nethood/Evil.app'] }],
  ['win32', { program: 'explorer.exe', args: ['/select,/home/anna/Nethood/Evil.app'] }],
] as const)('on %s what came from a neighbour is pointed at, never opened', (platform, command) => {
  expect(showInFolderCommand('/home/anna/Nethood/Evil.app', platform)).toEqual(command);
});

test('a file manager that is not there is said by name', async () => {
  const options = { env: {}, cwd: '/' };
  await expect(runOpenCommand({ program: 'no-such-file-manager', args: [] }, options)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'The folder cannot be shown: no-such-file-manager does not start.',
  });
});

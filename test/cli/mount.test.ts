import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mountCommand, shownCommand } from '../../cli/mount-command.ts';
import { mount } from '../control/samples.ts';
import { startFakeAgent } from '../control/fake-agent.ts';
import { cli, cliJson } from './support.ts';

const { url } = mount;

const on = (platform: NodeJS.Platform, ...installed: string[]): string =>
  shownCommand(mountCommand({ platform, url, user: 'me', has: (program) => installed.includes(program) }));

describe('the command that makes a drive', () => {
  it('is the one of each system', () => {
    const address = url.slice('http:'.length);
    expect(on('linux', 'gio', 'mount.davfs')).toBe(`gio mount dav:${address}`);
    expect(on('linux', 'mount.davfs')).toBe(`sudo mount -t davfs -o uid=me http:${address} /mnt`);
    expect(on('linux')).toBe(`gio mount dav:${address}`);
    expect(on('darwin')).toBe(`osascript -e 'mount volume "${url}"'`);
    expect(on('win32')).toBe(`net use * ${url.replace(/\/$/, '')}`);
  });
});

describe('nethood mount', () => {
  it('makes a drive of all, of one neighbour or of a share, and says its address and command', async () => {
    await using agent = await startFakeAgent();
    const { code, document } = await cliJson(agent, 'mount', 'anna/Projects');
    expect([code, document]).toEqual([0, { url, command: expect.stringContaining(url.slice(7, 60)) as string }]);
    const said = await cli(['mount'], { home: agent.home });
    expect(said.stdout).toMatch(new RegExp(`^Anna/Projects: ${url}\\n  \\S+ .*${url.slice(7, 60)}`));
    await cli(['mount', 'anna'], { home: agent.home });
    expect(agent.asked.map(({ request }) => request)).toEqual([
      { neighbour: 'anna', share: 'Projects' },
      {},
      { neighbour: 'anna' },
    ]);
  });

  it('lists the drives, and ends one', async () => {
    await using agent = await startFakeAgent();
    expect((await cli(['mount', '--list'], { home: agent.home })).stdout).toMatch(
      /^DRIVE +ADDRESS\nAnna\/Projects +http/,
    );
    expect((await cliJson(agent, 'mount', '--list')).document).toMatchObject([{ neighbour: 'Anna', url }]);
    const ended = await cli(['mount', 'anna/Projects', '--revoke'], { home: agent.home });
    expect([ended.code, ended.stdout]).toEqual([0, 'Anna/Projects: its drive has ended.\n']);
    expect(agent.asked.at(-1)).toEqual({
      call: 'mount-revoke',
      request: { neighbour: 'anna', share: 'Projects' },
    });
    await using none = await startFakeAgent({ calls: { mounts: async () => ({ mounts: [] }) } });
    expect((await cli(['mount', '--list'], { home: none.home })).stdout).toMatch(/^There is no drive; `nethood mount`/);
  });

  it.each([
    [['mount', 'anna/Projects/folder'], 'whole share'],
    [['mount', '--list', '--revoke'], 'one at a time'],
    [['mount', 'anna', '--list'], 'all drives at once'],
  ])('says what is wrong with %j', async (argv, words) => {
    await using agent = await startFakeAgent();
    const { code, stderr } = await cli(argv, { home: agent.home });
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(agent.asked).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'runs the command itself where that is wanted, and says why it fails',
    async () => {
      await using agent = await startFakeAgent();
      const bin = await mkdtemp(join(tmpdir(), 'nh-bin-'));
      try {
        const program = (last: string) =>
          writeFile(join(bin, 'gio'), `#!/bin/sh\necho "$@" > ${bin}/asked\n${last}\n`, { mode: 0o755 });
        const options = { home: agent.home, env: { PATH: `${bin}:/bin:/usr/bin` } };
        await program('exit 0');
        const done = await cli(['mount', '--open'], options);
        expect([done.code, done.stdout]).toEqual([0, expect.stringMatching(/in the file manager now\.\n$/)]);
        expect(await readFile(join(bin, 'asked'), 'utf8')).toBe(`mount ${url.replace('http', 'dav')}\n`);
        await program('echo no volume monitor >&2; exit 2');
        const failed = await cli(['mount', '--open'], options);
        expect([failed.code, failed.stderr]).toEqual([6, expect.stringContaining('no volume monitor')]);
      } finally {
        await rm(bin, { recursive: true });
      }
    },
  );
});

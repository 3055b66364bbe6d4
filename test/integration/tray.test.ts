// needs: desktop
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { Snapshot } from '../../protocol/control.ts';
import { QueueName } from '../../protocol/ids.ts';
import { Desktop } from '../office/desktop.ts';
import { until } from '../office/until.ts';
import { ControlStandIn } from '../tray/control-stand-in.ts';
import { aNeighbour, aPrinter, aShare, aSnapshot, aTransfer, deviceId } from '../tray/snapshots.ts';
import { TrayProcess } from '../tray/tray-process.ts';

const full = aSnapshot({
  shares: [aShare()],
  printers: [aPrinter(), aPrinter({ id: QueueName.parse('PDF'), name: 'PDF', shared: true, audience: 'everyone' })],
  neighbours: [aNeighbour()],
  transfers: [aTransfer()],
});

let desktop: Desktop;
let home: string;
let scope: Scope;

async function startAgent(snapshot: Snapshot): Promise<ControlStandIn> {
  return scope.use(await ControlStandIn.start(join(home, 'run'), snapshot));
}

function startTray(options: { env?: Readonly<Record<string, string>>; cwd?: string } = {}): TrayProcess {
  return scope.use(new TrayProcess({ home, env: desktop.env, ...options }));
}

const built = (path: string): string => JSON.stringify(new URL(`../../dist/tray/${path}`, import.meta.url).href);
const dyingHelper = `
const [{ startHelper }, { prepareHelperFiles }, { makeIcons }, { buildMenu }, { systemClock }] = await Promise.all(
  [${built('systray.js')}, ${built('helper-files.js')}, ${built('icon/icons.js')}, ${built('menu.js')},
   ${built('../agent/base/clock.js')}].map((path) => import(path)));
const files = await prepareHelperFiles(process.argv[1], process.platform);
const options = { files, icons: makeIcons('linux'), clock: systemClock, onClick: () => undefined };
const helper = await startHelper(buildMenu({}), options);
const update = { kind: 'item', slot: 0, title: 'x', enabled: true, hidden: false };
const writes = [];
const { execFileSync } = await import('node:child_process');
const { readFileSync } = await import('node:fs');
const pid = Number(execFileSync('pgrep', ['-P', String(process.pid), 'tray_linux']));
process.kill(pid, 'SIGKILL');
// Dead, and this process does not know it yet: it has not turned its event loop.
while (!readFileSync('/proc/' + pid + '/stat', 'utf8').includes(') Z ')) continue;
for (let at = 0; at < 200; at++) writes.push(helper.update(update));
const { signal } = await helper.exited;
writes.push(helper.update(update));
const results = await Promise.allSettled(writes);
await helper[Symbol.asyncDispose]();
console.log(JSON.stringify({ signal, refused: results.filter(({ status }) => status === 'rejected').length }));
`;

beforeAll(async () => {
  desktop = await Desktop.start();
});
afterAll(async () => {
  await desktop[Symbol.asyncDispose]();
});
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'nt-'));
  scope = new Scope();
});
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

describe('the tray in a real panel', () => {
  test('shows what this PC shares and what the neighbours offer', async () => {
    await startAgent(full);
    startTray();

    const menu = await desktop.waitFor('anna on pc-1');

    const paths = menu.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'Projects/Stop sharing',
        '☐ Laser',
        '☑ PDF',
        'bob on pc-2/Fetch folder “Music”',
        'bob on pc-2/Printer “Ink”: stopped: media empty',
        '↓ bob on pc-2/Music: 43 %, 12 MB/s/Cancel',
        'Pause sharing',
        'Quit nethood',
      ]),
    );
  });

  test.each([
    { item: 'Projects/Stop sharing', call: 'unshare', body: { name: 'Projects' } },
    { item: '☐ Laser', call: 'printer-share', body: { name: 'Laser', audience: 'everyone' } },
    { item: '☑ PDF', call: 'printer-unshare', body: { name: 'PDF' } },
    { item: '↓ bob on pc-2/Music: 43 %, 12 MB/s/Cancel', call: 'transfer-cancel', body: { id: 'transfer' } },
    { item: 'Pause sharing', call: 'pause', body: {} },
  ])('a click on "$item" asks the agent to $call', async ({ item, call, body }) => {
    const agent = await startAgent(full);
    startTray();
    await desktop.waitFor('anna on pc-1');

    await desktop.click(item);

    expect((await agent.waitAsked(call)).body).toEqual(body);
  });

  test('a click on a folder of a neighbour fetches it into the files folder, which is made before', async () => {
    const agent = await startAgent(full);
    startTray();

    await desktop.click('bob on pc-2/Fetch folder “Music”');

    const asked = await agent.waitAsked('get');
    const destination = join(home, 'files');
    expect(asked.body).toEqual({ neighbour: deviceId('bob'), share: 'Music', path: '', destination });
    expect((await stat(destination)).isDirectory()).toBe(true);
  });

  test('offers the folder Public where nothing is shared', async () => {
    const agent = await startAgent(aSnapshot());
    startTray();

    await desktop.click('Share a new folder “Public”');
    expect((await agent.waitAsked('share')).body).toEqual({ public: true });

    agent.change({ shares: [aShare({ name: 'Public' })] });
    const menu = await desktop.waitFor('Public/Open folder');
    expect(menu.map(({ label }) => label)).not.toContain('Share a new folder “Public”');
  });

  test('a neighbour that appears is in the menu within 2 s, and gone again when it goes', async () => {
    const agent = await startAgent(aSnapshot());
    startTray();
    await desktop.waitFor('No neighbours seen yet');

    agent.change({ neighbours: [aNeighbour({ name: 'Zoë on pc-9' })] });
    await desktop.waitFor('Zoë on pc-9/Fetch folder “Music”', 2_000);

    agent.change({ neighbours: [aNeighbour({ name: 'Zoë on pc-9', state: 'gone' })] });
    await desktop.waitWithout(/Zoë/, 2_000);
  });

  test('clicks on parents and on disabled items do nothing', async () => {
    const printers = [aPrinter({ accepting: false })];
    const agent = await startAgent({ ...full, printers });
    startTray();
    await desktop.waitFor('anna on pc-1');

    for (const item of ['anna on pc-1', 'Projects', 'bob on pc-2', 'Projects/For everyone, read only'])
      await desktop.press(item);
    await desktop.click('Pause sharing');

    await agent.waitAsked('pause');
    expect(agent.asked.map(({ name }) => name)).toEqual(['pause']);
  });

  test('says in the menu why a click came to nothing', async () => {
    const agent = await startAgent(full);
    agent.refusals.set('pause', { code: 'internal', message: 'The disk is on fire.' });
    startTray();

    await desktop.click('Pause sharing');

    await desktop.waitFor('The disk is on fire.');
  });

  test('names that try to look like something else stay one clean line each', async () => {
    const names = ['<SEPARATOR>', 'a_b & __c (√)', '%s%n$(reboot)`x`', '"quoted" \\ back', '漢字 🖨️ Ünï'];
    const neighbours = names.map((name, at) => aNeighbour({ name, id: deviceId('bcdef'.charAt(at)) }));
    const agent = await startAgent(aSnapshot());
    const tray = startTray();
    await desktop.waitFor('No neighbours seen yet');
    const separators = (await desktop.menu())?.filter(({ type }) => type === 'separator').length;

    agent.change({ neighbours });

    const menu = await desktop.waitFor('SEPARATOR');
    const labels = menu.map(({ label }) => label);
    expect(labels).toEqual(expect.arrayContaining(['a_b & __c (√)', ...names.slice(2)]));
    expect(menu.filter(({ type }) => type === 'separator')).toHaveLength(separators ?? -1);
    // The same names again, now as what the helper is started with.
    process.kill(await tray.helperPid(), 'SIGKILL');
    await until(async () => (await desktop.menu()) === undefined, { what: 'the icon to go', withinMs: 5_000 });
    const again = await desktop.waitFor('SEPARATOR', 10_000);
    expect(again.map(({ label }) => label)).toEqual(labels);
  });

  test('300 changes in a second end in the right menu', async () => {
    const agent = await startAgent(full);
    startTray();
    await desktop.waitFor('anna on pc-1');

    for (let bytes = 0; bytes <= 300; bytes++)
      agent.change({ transfers: [aTransfer({ bytes, bytesTotal: 300 })], paused: bytes % 2 === 1 });

    await desktop.waitFor('↓ bob on pc-2/Music: 100 %, 12 MB/s/Cancel', 3_000);
    await desktop.waitFor('Pause sharing');
  });
});

describe('the tray survives', () => {
  test('its helper killed: another one shows the present menu', async () => {
    const agent = await startAgent(full);
    const tray = startTray();
    await desktop.waitFor('anna on pc-1');

    const first = await tray.helperPid();
    process.kill(first, 'SIGKILL');
    // Written into the dying pipe, or kept for the next helper: both must do.
    agent.change({ device: { ...full.device, name: 'renamed' } });

    expect(await tray.helperPid(first)).not.toBe(first);
    await desktop.waitFor('renamed', 10_000);
    await desktop.click('Pause sharing');
    await agent.waitAsked('pause');
    expect(tray.running).toBe(true);
  });

  test('writing to a helper that dies at that instant (EPIPE ended the process)', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', dyingHelper, home], {
      env: { ...process.env, ...desktop.env },
    });
    expect(JSON.parse(stdout)).toEqual({ signal: 'SIGKILL', refused: 0 });
  });

  test('its agent away and back', async () => {
    const tray = startTray();
    await desktop.waitFor('nethood is not running');
    const first = await startAgent(full);
    await desktop.waitFor('anna on pc-1');
    await first[Symbol.asyncDispose]();
    const menu = await desktop.waitFor('nethood is not running');
    expect(menu.map(({ path }) => path)).not.toContain('Projects/Stop sharing');

    const agent = await startAgent(full);
    await desktop.waitFor('anna on pc-1');
    await desktop.click('Pause sharing');
    await agent.waitAsked('pause');
    expect(tray.stderr).toBe('');
  });

  test('an agent that talks nonsense', async () => {
    const agent = await startAgent(full);
    const tray = startTray();
    await desktop.waitFor('anna on pc-1');

    agent.sendRaw('{"type":"snapshot","snapshot":{}}');
    await until(() => tray.stderr !== '', { what: 'a word about it', withinMs: 5_000 });

    agent.change({ device: { ...full.device, name: 'sane again' } });
    await desktop.waitFor('sane again');
  });

  test('a program named as its helper in the folder it is started from', async () => {
    const cwd = join(home, 'trap');
    const trap = join(cwd, 'traybin', 'tray_linux_release');
    await mkdir(join(cwd, 'traybin'), { recursive: true });
    await writeFile(trap, `#!/bin/sh\ntouch ${join(cwd, 'sprung')}\n`);
    await chmod(trap, 0o755);
    await startAgent(full);
    startTray({ cwd });

    await desktop.waitFor('anna on pc-1');

    expect(await readdir(cwd)).toEqual(['traybin']);
  });
});

describe('the tray ends', () => {
  test('with 0 after "Quit nethood", which stops the agent', async () => {
    const agent = await startAgent(full);
    const tray = startTray();
    await desktop.waitFor('anna on pc-1');

    await desktop.click('Quit nethood');

    await agent.waitAsked('stop');
    expect(await tray.exitCode()).toBe(0);
    expect(await desktop.icons()).toEqual([]);
    // Nothing of its icons is left behind.
    expect(await readdir(join(home, 'state', 'tray', 'work'))).toEqual([]);
  });

  test('with 0 by a signal, and the icon with it', async () => {
    await startAgent(full);
    const tray = startTray();
    await desktop.waitFor('anna on pc-1');

    expect(await tray.end('SIGTERM')).toBe(0);

    expect(await desktop.icons()).toEqual([]);
  });

  test('its helper when it is killed hard, and the next one cleans up', async () => {
    const tray = startTray();
    await desktop.waitFor('nethood is not running');
    await tray.end('SIGKILL');
    await until(async () => (await desktop.icons()).length === 0, { what: 'the icon to go', withinMs: 5_000 });

    startTray();
    await desktop.waitFor('nethood is not running');
    expect(await readdir(join(home, 'state', 'tray', 'tmp'))).toHaveLength(1);
  });

  test('with 0 where another one of the same home runs: there is one icon', async () => {
    startTray();
    await desktop.waitFor('nethood is not running');

    const second = startTray();

    expect(await second.exitCode()).toBe(0);
    expect(second.stderr).toBe('nethood tray: A tray of this home runs already.\n');
    expect(await desktop.icons()).toHaveLength(1);
  });

  test('with 0 and one line where no display is set', async () => {
    const tray = startTray({ env: {} });

    expect(await tray.exitCode()).toBe(0);
    expect(tray.stderr).toBe('nethood tray: There is no tray here: no display (DISPLAY is not set).\n');
  });
});

describe('where the desktop lacks something', () => {
  test('a display that nobody serves is said once, and waited for', async () => {
    const tray = startTray({ env: { ...desktop.env, DISPLAY: ':4711' } });

    const line = 'nethood tray: There is no tray here: no display. It is tried again every 5 minutes.\n';
    await until(() => tray.stderr === line, { what: () => `one line: ${tray.stderr}`, withinMs: 10_000 });
    expect(tray.running).toBe(true);
    expect(await tray.end('SIGTERM')).toBe(0);
  });

  test('without a panel the tray waits quietly, and quits when told to', async () => {
    const bare = scope.use(await Desktop.start({ panel: 'none' }));
    const agent = await startAgent(full);
    const tray = startTray({ env: bare.env });
    await until(() => agent.watchers === 1, { what: 'the tray to listen', withinMs: 5_000 });
    await tray.helperPid();

    agent.change({ paused: true });

    expect(tray.running).toBe(true);
    expect(await tray.end('SIGTERM')).toBe(0);
    expect(tray.stderr).toBe('');
  });
});

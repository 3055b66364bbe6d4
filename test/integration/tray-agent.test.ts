// needs: desktop
/** The tray that a real agent starts: what is clicked changes what is shared, and what happens shows in the menu. */
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { Desktop } from '../office/desktop.ts';
import { TestAgent } from '../office/agents.ts';
import { until } from '../office/until.ts';

let desktop: Desktop;
let scope: Scope;
let anna: TestAgent;
let annaProcess: ChildProcess;

const Named = z.array(z.object({ name: z.string() }));
const Shared = z.array(z.object({ name: z.string(), shared: z.boolean() }));
const Status = z.object({ ports: z.object({ peers: z.number() }) });

async function names(agent: TestAgent, command: string): Promise<string[]> {
  return (await agent.json(Named, command)).map(({ name }) => name);
}

async function isPdfShared(): Promise<boolean | undefined> {
  return (await anna.json(Shared, 'printers')).find(({ name }) => name.includes('PDF'))?.shared;
}

/** On loopback only, so that no other agent of this network is in the menu. */
async function prepare(env: Readonly<Record<string, string>>): Promise<TestAgent> {
  const agent = scope.use(await TestAgent.prepare({ env }));
  const cards = Object.entries(networkInterfaces());
  const lan = {
    use: cards.filter(([, infos]) => infos?.some(({ internal }) => internal)).map(([name]) => name),
    ignore: cards.filter(([, infos]) => infos?.every(({ internal }) => !internal)).map(([name]) => name),
  };
  await writeFile(join(agent.home, 'config.json'), JSON.stringify({ version: 1, lan }));
  return agent;
}

/** As a user starts it: with its tray. */
async function startAnna(): Promise<void> {
  annaProcess = anna.spawnCli('run', '--name', 'Anna');
  scope.defer(killTray);
  scope.defer(() => end(annaProcess, 'SIGTERM'));
  await desktop.waitFor('Anna', 15_000);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Also of an agent that was killed: its tray lives on. */
async function killTray(): Promise<void> {
  const found = await promisify(execFile)('pgrep', ['-f', `tray --home ${anna.home}$`]).catch(() => undefined);
  if (found !== undefined) process.kill(Number(found.stdout), 'SIGKILL');
}

beforeAll(async () => {
  desktop = await Desktop.start();
});
afterAll(() => desktop[Symbol.asyncDispose]());
beforeEach(async () => {
  scope = new Scope();
  anna = await prepare(desktop.env);
  await startAnna();
});
afterEach(() => scope[Symbol.asyncDispose]());

test('a click shares the folder Public, another one ends that', async () => {
  await desktop.click('Share a new folder “Public”');
  await desktop.waitFor('Public/Stop sharing');
  expect(await names(anna, 'shares')).toEqual(['Public']);

  await desktop.click('Public/Stop sharing');
  await desktop.waitFor('Share a new folder “Public”');
  expect(await names(anna, 'shares')).toEqual([]);
});

test('a click shares a printer, another one ends that', async () => {
  const boxOf = async (box: string): Promise<string> => {
    const item = (await desktop.waitFor(new RegExp(`^${box} .*PDF`))).find(({ label }) => label.startsWith(box));
    return item?.label ?? '';
  };

  await desktop.click(await boxOf('☐'));
  await boxOf('☑');
  expect(await isPdfShared()).toBe(true);

  await desktop.click(await boxOf('☑'));
  await boxOf('☐');
  expect(await isPdfShared()).toBe(false);
});

test('a neighbour is in the menu within 2 s of appearing, and its folder is fetched by a click', async () => {
  const bob = await prepare({});
  await bob.start();
  await bob.json(z.unknown(), 'name', 'Bob');
  // Not in the home: what an agent keeps there is never shared.
  const folder = await mkdtemp(join(tmpdir(), 'nh-music-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const music = join(folder, 'Music');
  await mkdir(music);
  await writeFile(join(music, 'song.txt'), 'la la la');
  await bob.json(z.unknown(), 'share', music);
  const { ports } = await bob.json(Status, 'status');

  await anna.json(z.unknown(), 'neighbour', 'add', `127.0.0.1:${ports.peers}`);
  await desktop.waitFor('Bob/Fetch folder “Music”', 2_000);
  await desktop.click('Bob/Fetch folder “Music”');

  await desktop.waitFor(/^↓ .*Music: done.*Show in folder$/);
  expect(await readFile(join(anna.home, 'files', 'Music', 'song.txt'), 'utf8')).toBe('la la la');

  await bob.end('SIGTERM');
  await desktop.waitWithout(/^Bob/, 5_000);
});

test('pausing and resuming by the menu holds for the agent', async () => {
  await desktop.click('Pause sharing');
  await desktop.waitFor('Anna: sharing is paused');
  const config = JSON.parse(await readFile(join(anna.home, 'config.json'), 'utf8')) as { paused?: boolean };
  expect(config.paused).toBe(true);

  await desktop.click('Resume sharing');
  await desktop.waitFor('Pause sharing');
});

test('the agent goes on without its tray', async () => {
  await killTray();
  await until(async () => (await desktop.icons()).length === 0, { what: 'the icon to go', withinMs: 5_000 });

  expect((await anna.nethood('status')).code).toBe(0);
  expect(annaProcess.exitCode).toBeNull();
});

test('the tray tells that its agent was killed, and serves the next one: there is one icon', async () => {
  await end(annaProcess, 'SIGKILL');
  await desktop.waitFor('nethood is not running');

  await startAnna();

  await desktop.click('Share a new folder “Public”');
  await desktop.waitFor('Public/Stop sharing');
  expect(await desktop.icons()).toHaveLength(1);
});

test('"Quit nethood" ends both', async () => {
  const exited = once(annaProcess, 'exit');

  await desktop.click('Quit nethood');

  expect(await exited).toEqual([0, null]);
  await until(async () => (await desktop.icons()).length === 0, { what: 'the icon to go', withinMs: 5_000 });
});

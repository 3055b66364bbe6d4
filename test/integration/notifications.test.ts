// needs: desktop
/** A desktop whose notifications are real (dunst): what became of a document is told there. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { TestAgent } from '../office/agents.ts';
import { Desktop } from '../office/desktop.ts';
import { until } from '../office/until.ts';

const run = promisify(execFile);
const Text = z.object({ data: z.string() });
const History = z.object({ data: z.array(z.array(z.object({ summary: Text, body: Text, appname: Text }))) });

let scope: Scope;
let desktop: Desktop;
beforeEach(async () => {
  scope = new Scope();
  desktop = scope.use(await Desktop.start({ panel: 'none' }));
});
afterEach(() => scope[Symbol.asyncDispose]());

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}

/** What a person has seen so far, the newest first. */
async function seen(): Promise<string[]> {
  const env = { ...process.env, ...desktop.env };
  // dunst's history has only what is no longer on the screen.
  await run('dunstctl', ['close-all'], { env });
  const { stdout } = await run('dunstctl', ['history'], { env });
  const [shown = []] = History.parse(JSON.parse(stdout)).data;
  return shown.map(({ summary, body, appname }) => `${appname.data}: ${summary.data}: ${body.data}`);
}

async function startDunst(): Promise<void> {
  const child = spawn('dunst', [], { env: { ...process.env, ...desktop.env }, stdio: 'ignore' });
  scope.defer(() => end(child));
  await until(answers, { what: 'the notification daemon', withinMs: 10_000 });
}

function answers(): Promise<boolean> {
  return seen().then(
    () => true,
    () => false,
  );
}

test('a printed document is told on the desktop, and none where the user wants no notifications', async () => {
  await startDunst();
  const anna = scope.use(await TestAgent.prepare({ env: desktop.env }));
  const config = (notifications: boolean): Promise<void> =>
    writeFile(join(anna.home, 'config.json'), JSON.stringify({ version: 1, notifications }));
  const letter = join(anna.home, 'a <b>letter.txt');
  await writeFile(letter, 'Dear neighbour,\n');

  await config(true);
  await anna.start();
  await anna.nethood('print', letter, '--on', 'PDF', '--wait');
  await until(async () => (await seen()).length > 0, { what: 'the notification', withinMs: 10_000 });
  expect(await seen()).toEqual(['nethood: Printed: "a &lt;b&gt;letter.txt" is printed on PDF.']);

  await anna.end();
  await config(false);
  await anna.start();
  await anna.nethood('print', letter, '--on', 'PDF', '--wait');
  await anna.end();
  expect(await seen()).toHaveLength(1);
});

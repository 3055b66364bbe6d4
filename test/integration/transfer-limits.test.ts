// needs: namespaces
/** What is said to be the limit of a transfer between two real agents, one of which has a slow disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { NeighbourView, TransferView } from '../../protocol/control.ts';
import { TestAgent } from '../office/agents.ts';
import { writeRandomFile } from '../office/documents.ts';
import { startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const slowDisk = pathToFileURL(join(import.meta.dirname, '../../dist/test/programs/slow-disk.js'));
/** Takes some seconds on the slow one. */
const fileSize = 24 << 20;

const scope = new Scope();
/** Whose disk is slow. */
let anna: TestAgent;
let bob: TestAgent;

async function shareOf(agent: TestAgent): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nh-share-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  await writeRandomFile(join(folder, 'big.bin'), fileSize);
  await agent.json(z.unknown(), 'share', folder, '--name', 'Inbox', '--write');
  return folder;
}

const sees = (agent: TestAgent, other: string): Promise<boolean> =>
  until(
    async () =>
      (await agent.json(z.array(NeighbourView), 'neighbours')).some(
        ({ name, state, shares }) => name === other && state === 'ready' && shares.length === 1,
      ),
    { what: () => `${other} to be seen: ${agent.output}`, withinMs: 20_000 },
  );

let folders: Record<'anna' | 'bob', string>;

beforeAll(async () => {
  const office = scope.use(await startOffice(2));
  const slow = { NODE_OPTIONS: `--import=${slowDisk.href}` };
  anna = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(1) }, name: 'Anna', env: slow }));
  bob = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(2) }, name: 'Bob' }));
  await Promise.all([anna.start(), bob.start()]);
  folders = { anna: await shareOf(anna), bob: await shareOf(bob) };
  await Promise.all([sees(anna, 'Bob'), sees(bob, 'Anna')]);
});
afterAll(() => scope[Symbol.asyncDispose]());

/** Of the transfer that the command made. */
async function limitSaid(agent: TestAgent, ...command: string[]): Promise<unknown> {
  await agent.json(z.unknown(), ...command);
  const all = await agent.json(z.array(TransferView), 'transfers');
  return all.at(-1)?.limit;
}

it('a put to a slow disk is limited by theirs', async () => {
  expect(await limitSaid(bob, 'put', join(folders.bob, 'big.bin'), 'Anna/Inbox/put.bin')).toBe('their-disk');
});

it('a put from a slow disk is limited by ours', async () => {
  expect(await limitSaid(anna, 'put', join(folders.anna, 'big.bin'), 'Bob/Inbox/put.bin')).toBe('our-disk');
});

it('a get from a slow disk is limited by theirs', async () => {
  expect(await limitSaid(bob, 'get', 'Anna/Inbox/big.bin', join(folders.bob, 'got.bin'))).toBe('their-disk');
});

it('a get to a slow disk is limited by ours', async () => {
  expect(await limitSaid(anna, 'get', 'Bob/Inbox/big.bin', join(folders.anna, 'got.bin'))).toBe('our-disk');
});

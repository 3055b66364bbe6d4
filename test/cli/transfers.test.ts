import { afterEach, beforeEach, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { TransferId } from '../../protocol/ids.ts';
import { type FakeAgent, type FakeOptions, startFakeAgent } from '../control/fake-agent.ts';
import { transfer } from '../control/samples.ts';
import { cli, cliJson } from './support.ts';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const start = async (options?: FakeOptions): Promise<FakeAgent> => scope.use(await startFakeAgent(options));

const id = (text: string): TransferId => TransferId.parse(text);
const broken = {
  ...transfer,
  id: id('tlost234567'),
  state: 'failed' as const,
  error: { code: 'interrupted' as const, message: 'The connection broke.' },
};
const waiting = { ...transfer, id: id('twait234567'), state: 'waiting' as const };

it('shows what runs, what waits, and how what ended has ended', async () => {
  const agent = await start();
  agent.set({ transfers: [transfer, waiting, broken] });
  const { stdout } = await cli(['transfers'], { home: agent.home });
  expect(stdout.split('\n')).toEqual([
    'TRANSFER  FROM                   TO                            DONE  STATE',
    'transfer  Anna/Projects/big.bin  /home/me/big.bin  500 kB of 1.0 MB  running  250 kB/s  0:02 left',
    'twait234  Anna/Projects/big.bin  /home/me/big.bin  500 kB of 1.0 MB  waiting for Anna',
    'tlost234  Anna/Projects/big.bin  /home/me/big.bin  500 kB of 1.0 MB  failed: The connection broke.',
    '',
  ]);
});

it('cancels the one that is meant, by the beginning of its id', async () => {
  const message = '"Anna/Projects/big.bin" is cancelled; what has come is kept.';
  const ended = { ...waiting, state: 'cancelled' as const, error: { code: 'cancelled' as const, message } };
  const agent = await start({ calls: { 'transfer-cancel': () => Promise.resolve(ended) } });
  agent.set({ transfers: [waiting, broken] });
  expect(await cli(['transfer', 'cancel', 'tw'], { home: agent.home })).toMatchObject({
    code: 0,
    stdout: `${message}\n`,
  });
  expect(agent.asked).toEqual([{ call: 'transfer-cancel', request: { id: waiting.id } }]);
});

it('says of one that had ended how, and cancels none that is not meant clearly', async () => {
  const agent = await start({ calls: { 'transfer-cancel': () => Promise.resolve(broken) } });
  agent.set({ transfers: [waiting, broken] });
  expect((await cli(['transfer', 'cancel', 'tl'], { home: agent.home })).stdout).toBe(
    '"Anna/Projects/big.bin" had ended before: failed.\n',
  );
  expect(await cliJson(agent, 'transfer', 'cancel', 't')).toMatchObject({
    code: 2,
    document: { error: { code: 'ambiguous' } },
  });
  expect(await cliJson(agent, 'transfer', 'cancel', 'x')).toMatchObject({
    code: 4,
    document: { error: { code: 'not-found' } },
  });
  expect(agent.asked).toHaveLength(1);
});

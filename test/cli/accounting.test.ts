import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { AccountingLine } from '../../protocol/print-order.ts';
import { JobId } from '../../protocol/ids.ts';
import { type FakeAgent, startFakeAgent } from '../control/fake-agent.ts';
import { cli, cliJson } from './support.ts';

const line: AccountingLine = {
  at: '2026-11-20T10:00:00.000Z',
  job: JobId.parse(7),
  printer: 'laser',
  from: 'anna on pc1',
  name: 'offer.pdf',
  state: 'completed',
  pages: 6,
  copies: 2,
  bytes: 1_234_567,
};

let scope: Scope;
let agent: FakeAgent;
let asked: unknown[];
let lines: AccountingLine[];
beforeEach(async () => {
  scope = new Scope();
  asked = [];
  lines = [line];
  const calls = {
    accounting: async (request: unknown) => {
      asked.push(request);
      return { lines };
    },
  };
  agent = scope.use(await startFakeAgent({ calls }));
});
afterEach(() => scope[Symbol.asyncDispose]());

describe('accounting', () => {
  it('says who printed what, and how much', async () => {
    const { stdout } = await cli(['accounting'], { home: agent.home });
    expect(stdout).toMatch(/^WHEN +PRINTER +FROM +PAGES +COPIES +SIZE +STATE +DOCUMENT\n/);
    expect(stdout).toMatch(/laser +anna on pc1 +6 +2 +1\.2 MB +completed +offer\.pdf\n$/);
  });

  it('gives the lines as one document with --json', async () => {
    expect(await cliJson(agent, 'accounting')).toEqual({ code: 0, document: [line] });
  });

  it('asks for the lines since a day, counted from its midnight here', async () => {
    await cli(['accounting', '--since', '2026-11-20', '--limit', '5'], { home: agent.home });
    expect(asked).toEqual([{ since: new Date('2026-11-20T00:00').toISOString(), limit: 5 }]);
  });

  it('says so where nothing was printed', async () => {
    lines = [];
    const { stdout } = await cli(['accounting'], { home: agent.home });
    expect(stdout).toBe('Nothing was printed on the printers of this PC.\n');
  });

  it.each([
    [['--since', 'yesterday'], 'wants a day like 2026-11-20, not "yesterday"'],
    [['--limit', '0'], 'lists 1 to 9999 jobs, not "0"'],
  ])('refuses %j in one sentence', async (options, sentence) => {
    const { code, stderr } = await cli(['accounting', ...options], { home: agent.home });
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
  });
});

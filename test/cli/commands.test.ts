import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { errorTable, NethoodError } from '../../protocol/errors.ts';
import { DisplayName, ShareName } from '../../protocol/ids.ts';
import { parseWirePath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { type FakeAgent, type FakeOptions, startFakeAgent } from '../control/fake-agent.ts';
import { annaId, exchanges, job, neighbour, printer, share, snapshot } from '../control/samples.ts';
import { cli, cliJson } from './support.ts';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const start = async (options?: FakeOptions): Promise<FakeAgent> => scope.use(await startFakeAgent(options));

const { jobs, neighbours, notices, page, paused, ports, printers, shares, transfers, device, version } = snapshot;

describe('--json', () => {
  it.each([
    [['status'], { device, version, paused, ports, page, shares, printers, neighbours, notices }],
    [['neighbours'], neighbours],
    [['shares'], shares],
    [['printers'], printers],
    [['jobs'], jobs],
    [['transfers'], transfers],
    [['name'], { name: 'Me' }],
    [['name', 'New'], { name: 'New' }],
    [['pause'], { paused: true }],
    [['resume'], { paused: false }],
    [['neighbour', 'add', '10.0.0.7'], neighbour],
    [['neighbour', 'forget', 'Anna'], { forgotten: 'Anna' }],
    [['share', '/home/me/Docs'], share],
    [['unshare', 'Docs'], share],
    [['printer', 'share', 'laser'], printer],
    [['printer', 'unshare', 'laser'], exchanges['printer-unshare'].response],
    [['ls', 'anna'], [{ name: 'Projects', path: 'Projects', kind: 'folder', size: 0, modified: null }]],
    [['transfer', 'cancel', 'transf'], exchanges['transfer-cancel'].response],
    [['job', 'cancel', '12'], { ...job, state: 'canceled' }],
    [['job', 'hold', '12'], { ...job, state: 'pending-held' }],
    [['job', 'release', '12'], job],
  ])('of %j is its one document', async (argv, document) => {
    const agent = await start();
    expect(await cliJson(agent, ...argv)).toEqual({ code: 0, document });
  });

  it.each(Object.keys(errorTable) as (keyof typeof errorTable)[])(
    'of the error %s is its code, and the exit code of the table',
    async (code) => {
      const agent = await start({ calls: { unshare: () => Promise.reject(new NethoodError(code, `About "x".`)) } });
      const answer = await cliJson(agent, 'unshare', 'x');
      expect(answer).toEqual({ code: errorTable[code].exit, document: { error: { code, message: 'About "x".' } } });
      const human = await cli(['unshare', 'x'], { home: agent.home });
      expect(human).toEqual({ code: errorTable[code].exit, stdout: '', stderr: 'nethood: About "x".\n' });
    },
  );
});

describe('without an agent', () => {
  it('every command that asks one says no-agent, exit 3', async () => {
    const lines = [
      'status',
      'neighbours',
      'shares',
      'printers',
      'jobs',
      'name',
      'pause',
      'stop',
      'ls a',
      'get a/b/c',
      'unshare x',
      'job cancel 1',
    ];
    for (const line of lines) {
      const { code, document } = await cliJson({ home: '/nonexistent' }, ...line.split(' '));
      expect([line, code, document]).toMatchObject([line, 3, { error: { code: 'no-agent' } }]);
    }
  });

  it('a file that a killed agent left changes nothing about that', async () => {
    const agent = await start();
    await agent.server[Symbol.asyncDispose]();
    expect((await cliJson(agent, 'status')).code).toBe(3);
  });
});

describe('what people read', () => {
  it('is a picture of this device', async () => {
    const agent = await start();
    agent.set({ notices: [{ code: 'no-port', part: 'ports', message: 'Other ports are used.' }], paused: true });
    const { stdout } = await cli(['status'], { home: agent.home });
    expect(stdout.split('\n')).toEqual([
      'Me (aaaa-aaaa), nethood 0.1.0',
      '  folders     Docs',
      '  printers    Laser on floor 2',
      '  neighbours  1 is ready',
      '  ports       agents 6631, no guests, this PC 6630',
      '  Sharing is paused; `nethood resume` ends that.',
      '  ! Other ports are used.',
      '',
    ]);
  });

  it('is an aligned table, without colour where no terminal is or NO_COLOR says so', async () => {
    const agent = await start();
    const plain = (await cli(['neighbours'], { home: agent.home })).stdout;
    expect(plain.split('\n')).toEqual([
      'NAME  STATE  FOLDERS   PRINTERS  ADDRESS    ID',
      'Anna  ready  Projects  Plotter   10.20.0.7  k3q7-x2mf',
      '',
    ]);
    const terminal = (await cli(['neighbours'], { home: agent.home, terminal: true })).stdout;
    expect(terminal).toContain('\u001b[1mNAME');
    expect((await cli(['neighbours'], { home: agent.home, terminal: true, env: { NO_COLOR: '1' } })).stdout).toBe(
      plain,
    );
  });

  it.each(['neighbours', 'shares', 'printers', 'jobs', 'transfers'])('of no %s is a sentence', async (command) => {
    const agent = await start();
    agent.set({ [command]: [] });
    expect((await cli([command], { home: agent.home })).stdout).toMatch(/^[A-Z][^\n]+\.\n$/);
  });

  it('says with whom a folder is shared, and what they may', async () => {
    const agent = await start();
    const said = async (...argv: string[]): Promise<string> =>
      (await cli(argv, { home: agent.home, cwd: '/home/me' })).stdout;
    expect(await said('share', 'Docs')).toBe(
      'Shared "Docs" (/home/me/Docs) with everyone on this network, read-only.\n',
    );
    expect(agent.asked).toEqual([{ call: 'share', request: { folder: '/home/me/Docs' } }]);
    await said('share', '--public');
    expect(agent.asked.at(-1)?.request).toEqual({ public: true });
    await said('share', '../you', '--name', 'N', '--for', 'Anna, Bob', '--write');
    expect(agent.asked.at(-1)?.request).toEqual({
      folder: '/home/you',
      name: 'N',
      audience: ['Anna', 'Bob'],
      write: true,
    });
    await said('share', '--for=colleagues', '--', '--odd');
    expect(agent.asked.at(-1)?.request).toEqual({ folder: '/home/me/--odd', audience: 'colleagues' });
    expect(await said('printer', 'share', 'laser', '--for', 'everyone')).toContain(
      'ipp://nh-aaaaaaaa.local:6632/ipp/print/laser',
    );
  });

  it('names the devices that a share was given to', async () => {
    const view = { ...share, audience: [annaId], rights: 'write' as const };
    const agent = await start({ calls: { share: async () => view } });
    const { stdout } = await cli(['share', '/home/me/Docs', '--for', 'anna', '--write'], { home: agent.home });
    expect(stdout).toBe('Shared "Docs" (/home/me/Docs) with Anna (k3q7-x2mf), who may change it.\n');
  });

  it('never holds what a neighbour put into a name to fool a terminal', async () => {
    const name = '\u001b]0;owned\u0007\u202e\u200b\n';
    const agent = await start({
      calls: {
        list: async () => ({
          entries: [{ name, path: parseWirePath('x'), kind: 'file', size: 1, modified: job.created }],
          skipped: 0,
        }),
      },
    });
    agent.set({ jobs: [{ ...job, name, from: name, message: name }] });
    for (const argv of [['jobs'], ['ls', 'anna/Projects'], ['jobs', '--json'], ['ls', 'anna/Projects', '--json']]) {
      const { code, stdout, stderr } = await cli(argv, { home: agent.home });
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain('owned');
      expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    }
    expect(JSON.parse((await cli(['jobs', '--json'], { home: agent.home })).stdout)).toMatchObject([{ name }]);
  });
});

const entry = (name: string, kind: 'file' | 'folder' = 'file') => ({
  name,
  path: parseWirePath(name),
  kind,
  size: 1234,
  modified: '2026-11-20T10:00:00.000Z',
});

describe('ls', () => {
  it('pages through a folder to its end, and sorts the document', async () => {
    const agent = await start({
      calls: {
        list: async ({ cursor }) =>
          cursor === undefined
            ? { entries: [entry('b'), entry('d')], cursor: 'next', skipped: 1 }
            : { entries: [entry('a', 'folder'), entry('c')], skipped: 2 },
      },
    });
    const { document } = await cliJson(agent, 'ls', 'anna/Projects/some where/');
    expect(document).toMatchObject([{ name: 'a', kind: 'folder' }, { name: 'b' }, { name: 'c' }, { name: 'd' }]);
    expect(agent.asked.map(({ request }) => request)).toEqual([
      { neighbour: 'anna', share: 'Projects', path: 'some where/' },
      { neighbour: 'anna', share: 'Projects', path: 'some where/', cursor: 'next' },
    ]);
    const human = await cli(['ls', 'anna/Projects'], { home: agent.home });
    expect([human.stdout, human.stderr]).toEqual([
      'b\nd\na/\nc\n',
      '3 links, special files or closed folders are left out.\n',
    ]);
  });

  it('has the same order for people and programs: that of the bytes', async () => {
    const names = [' a', '%', '-', 'B', 'a', '\u00e9', '\u{1f600}'];
    const entries = names.map((name) => ({ ...entry('x'), name, path: wirePathFromPlain(name) }));
    const agent = await start({ calls: { list: async () => ({ entries, skipped: 0 }) } });
    const { document } = await cliJson(agent, 'ls', 'anna/Projects');
    expect((document as { name: string }[]).map(({ name }) => name)).toEqual(names);
    expect((await cli(['ls', 'anna/Projects'], { home: agent.home })).stdout.trimEnd().split('\n')).toEqual(names);
  });

  it('-l gives sizes and times for people, and what it is in all', async () => {
    const agent = await start({
      calls: { list: async () => ({ entries: [entry('a', 'folder'), entry('b'), entry('c')], skipped: 0 }) },
    });
    const { stdout, stderr } = await cli(['ls', '-l', 'anna/Projects'], { home: agent.home });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.slice(28))).toEqual(['a/', 'b', 'c']);
    expect(lines[1]).toMatch(/^ {2}1\.2 kB {2}2026-11-20 \d\d:00 {2}b$/);
    expect(stderr).toBe('1 folder, 2 files, 2.5 kB\n');
  });

  it('takes for a pattern what nothing is called', async () => {
    const asked: unknown[] = [];
    const agent = await start({
      calls: { list: () => Promise.reject(new NethoodError('not-found', 'There is no "*.pdf".')) },
      streams: {
        matches: async function* (request) {
          asked.push(request);
          yield { entries: [entry('2025/a.pdf')], skipped: 0 };
          yield { entries: [entry('2026/b.pdf')], skipped: 1 };
        },
      },
    });
    const human = await cli(['ls', 'anna/Projects/*/*.pdf'], { home: agent.home });
    expect(human.stdout).toBe('2025/a.pdf\n2026/b.pdf\n');
    expect(asked).toEqual([{ neighbour: 'anna', share: 'Projects', path: '*/*.pdf' }]);
    expect(await cliJson(agent, 'ls', 'anna/Projects/plain')).toMatchObject({ code: 4 });
    expect(asked).toHaveLength(1);
  });

  it('--watch shows the folder again when it is another, until Ctrl-C', async () => {
    const interrupt = new AbortController();
    const folders = [[entry('a')], [entry('a')], [entry('a'), entry('b')]];
    const agent = await start({
      calls: { list: async () => ({ entries: folders.shift() ?? [], skipped: 0 }) },
      streams: {
        'folder-watch': async function* () {
          for (let look = 1; look <= 4; look++) yield { look };
        },
      },
    });
    const { code, stdout } = await cli(['ls', 'anna/Projects', '--watch', '--json'], {
      home: agent.home,
      interrupt: interrupt.signal,
      onStdout: (text) => text.endsWith('[]\n') && interrupt.abort(),
    });
    const documents = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { name: string }[]).map(({ name }) => name));
    expect([code, documents]).toEqual([0, [['a'], ['a', 'b'], []]]);
    expect((await cli(['ls', 'anna', '--watch'], { home: agent.home })).stderr).toContain('name a share');
  });

  it('of a neighbour asks for its shares as they are in a session', async () => {
    const agent = await start({ calls: { neighbour: async () => ({ ...neighbour, shares: [] }) } });
    expect((await cli(['ls', 'anna/'], { home: agent.home })).stdout).toBe(
      '"Anna" shares no folder with this device.\n',
    );
    expect(agent.asked).toEqual([{ call: 'neighbour', request: { neighbour: 'anna' } }]);
    expect(await cliJson(agent, 'ls', 'anna')).toEqual({ code: 0, document: [] });
  });

  it('shows a folder that fails half-way as an error, not as a shorter one', async () => {
    const agent = await start({
      calls: {
        list: async ({ cursor }) => {
          if (cursor !== undefined) throw new NethoodError('unreachable', '"Anna" is gone.');
          return { entries: [entry('b')], cursor: 'next', skipped: 0 };
        },
      },
    });
    expect(await cliJson(agent, 'ls', 'anna/Projects')).toEqual({
      code: 6,
      document: { error: { code: 'unreachable', message: '"Anna" is gone.' } },
    });
  });
});

describe('--watch', () => {
  it('gives one document a line, one for each change of its part, until Ctrl-C', async () => {
    const agent = await start();
    const interrupt = new AbortController();
    const steps = [
      () => agent.set({ paused: true, neighbours: [{ ...neighbour, state: 'gone' }] }),
      () => agent.set({ neighbours: [] }),
      () => interrupt.abort(),
    ];
    const { code, stdout, stderr } = await cli(['neighbours', '--watch', '--json'], {
      home: agent.home,
      interrupt: interrupt.signal,
      onStdout: () => steps.shift()?.(),
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([[neighbour], [{ ...neighbour, state: 'gone' }], []]);
  });

  it('shows a table again to people', async () => {
    const agent = await start();
    const interrupt = new AbortController();
    const { stdout } = await cli(['shares', '--watch'], {
      home: agent.home,
      interrupt: interrupt.signal,
      onStdout: (text) => {
        if (!text.includes('Other')) agent.set({ shares: [{ ...share, name: ShareName.parse('Other') }] });
        else interrupt.abort();
      },
    });
    expect(stdout).toMatch(/^NAME .*\nDocs .*\n\nNAME .*\nOther .*\n$/);
  });

  it('ends with no-agent when the agent stops', async () => {
    const agent = await start();
    const { code, stderr } = await cli(['jobs', '--watch'], {
      home: agent.home,
      onStdout: () => void agent.server[Symbol.asyncDispose](),
    });
    expect([code, stderr]).toEqual([3, 'nethood: The agent has stopped.\n']);
  });
});

it('a command finds its agent by --home, by NETHOOD_HOME, and relative to the present folder', async () => {
  const agent = await start();
  const [one, two] = [`${agent.home}/.`, agent.home.slice(1)];
  expect((await cli(['status', '--home', one])).code).toBe(0);
  expect((await cli(['status', '--home', two], { cwd: '/' })).code).toBe(0);
  expect((await cli(['status'], { env: { NETHOOD_HOME: agent.home } })).code).toBe(0);
  expect((await cli(['status', '--home', '/nonexistent'], { env: { NETHOOD_HOME: agent.home } })).code).toBe(3);
});

it('a name is refused before the agent is asked', async () => {
  const agent = await start();
  expect((await cli(['name', 'x'.repeat(64)], { home: agent.home })).code).toBe(2);
  expect((await cli(['run', '--name', ' x '], { home: agent.home })).code).toBe(2);
  expect(agent.asked).toEqual([]);
  expect((await cli(['name', 'New'], { home: agent.home })).stdout).toBe('This device is "New" now.\n');
  expect(agent.asked).toEqual([{ call: 'rename', request: { name: DisplayName.parse('New') } }]);
});

import { describe, expect, it } from 'vitest';
import { type CommandName, commands, entryOf } from '../../cli/commands.ts';
import { nearest } from '../../cli/suggest.ts';
import { cli } from './support.ts';

const names = Object.keys(commands) as CommandName[];
const coming = names.filter((name) => entryOf(name).load === undefined);

describe('help', () => {
  it.each([[], ['help'], ['--help'], ['-h']])('of everything lists every command (%s)', async (...argv) => {
    const { code, stdout, stderr } = await cli(argv);
    expect([code, stderr]).toEqual([0, '']);
    for (const name of names) expect(stdout).toContain(`\n  ${name} `);
  });

  it.each(names)('of %s begins with its usage, asked for either way', async (name) => {
    const long = await cli(['help', ...name.split(' ')]);
    const short = await cli([...name.split(' '), '--help']);
    expect(long.code).toBe(0);
    expect(long.stdout.startsWith(`nethood ${name}`)).toBe(true);
    expect(short).toEqual(long);
    // Every option that the usage line shows is explained below it.
    const [usage = '', ...rest] = long.stdout.split('\n');
    if (entryOf(name).load !== undefined)
      for (const [option] of usage.matchAll(/--[a-z-]+/g)) expect(rest.join('\n')).toContain(option);
  });

  it('of a group lists what is in it', async () => {
    for (const argv of [
      ['help', 'printer'],
      ['printer', '--help'],
    ]) {
      const { code, stdout } = await cli(argv);
      expect(code).toBe(0);
      for (const verb of ['share', 'unshare', 'install']) expect(stdout).toContain(`nethood printer ${verb}`);
    }
  });

  it('is a document too', async () => {
    expect(JSON.parse((await cli(['help', 'get', '--json'])).stdout)).toHaveProperty('usage');
    expect(JSON.parse((await cli(['--version', '--json'])).stdout)).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    expect((await cli(['--version'])).stdout).toMatch(/^nethood \d+\.\d+\.\d+\n$/);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['nieghbours'], 'did you mean `nethood neighbours`?'],
    [['neighbors'], 'did you mean `nethood neighbours`?'],
    [['fetch', 'x'], 'did you mean `nethood get`?'],
    [['job', 'cancle', '3'], 'did you mean `nethood job cancel`?'],
    [['xyzzy'], 'see `nethood help`'],
    [['constructor'], 'There is no command "constructor"'],
    [['neighbour'], 'wants a second word: add, forget'],
    [['help', 'xyzzy'], 'There is no command "xyzzy"'],
    [['get'], 'wants more: <neighbour>/<share>/<path> [<destination>]'],
    [['get', 'a/b/c', 'd', 'e'], 'has no use for "e"'],
    [['get', 'a/b', '--destinatoin', 'x'], 'knows no option "--destinatoin"'],
    [['status', '--wacht'], 'but "--watch"'],
    [['ls', 'a', '--wacth'], 'but "--watch"'],
    [['share', 'x', '--name'], 'wants a value for "--name"'],
    [['share', 'x', '--write=yes'], 'takes no value for "--write"'],
    [['share'], 'wants either a folder or --public'],
    [['share', 'x', '--public'], 'wants either a folder or --public'],
    [['share', 'x', '--for', 'everyone,Anna'], 'either "everyone" or names'],
    [['share', 'x', '--for', ','], '--for wants'],
    [['ls', ''], 'an empty name'],
    [['ls', '/Docs'], "does not begin with a neighbour's name"],
    [['ls', 'anna//x'], 'names no share'],
    [['get', 'anna'], 'names no share'],
    [['print', 'x.pdf'], 'wants --on'],
    [['print', 'x.pdf', '--on', 'a/b', '--copies', '0'], '1 to 999'],
    [['print', 'x.pdf', '--on', 'a/b', '--copies', '1e3'], '1 to 999'],
    [['job', 'cancel', 'twelve'], 'wants the number of a job, not "twelve"'],
    [['job', 'hold', '0'], 'wants the number of a job'],
    [['name', 'a\u0007b'], 'cannot be used'],
    [['status', '--home', ''], 'The folder of --home has no name'],
  ])('%j is usage, exit 2, with its reason', async (argv, reason) => {
    const { code, stdout, stderr } = await cli(argv, { home: '/nonexistent' });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(reason);
    expect(stderr).toMatch(/^nethood: [^\n]+\n$/);
    const json = await cli([...argv, '--json'], { home: '/nonexistent' });
    expect([json.code, json.stderr]).toEqual([2, '']);
    // `x --name --json`: the value that is missing is not taken from the options.
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'usage' } });
  });

  it.each(coming)('the command %s is known, and unsupported in this version', async (name) => {
    const { code, stdout } = await cli([...name.split(' '), 'x', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'unsupported', message: `\`nethood ${name}\` is not in this version of nethood.` },
    });
  });

  it('shows no control characters of what was typed', async () => {
    const { stderr } = await cli(['\u001b[2Jx\u202e']);
    expect(stderr).toContain(String.raw`"\x1b[2Jx\u{202e}"`);
    const { stdout } = await cli(['\u001b\u009b\u202e', '--json']);
    expect(stdout).toContain(String.raw`\u001b\u009b\u202e`);
  });
});

describe('options', () => {
  it('may stand before and after the command', async () => {
    for (const argv of [
      ['--home', '/nonexistent', 'status'],
      ['status', '--home', '/nonexistent'],
      ['--home=/nonexistent', '--json', 'status'],
    ])
      expect((await cli(argv)).code).toBe(3);
  });

  it('after -- are words', async () => {
    const { code, stdout, stderr } = await cli(['ls', '--', '--json'], { home: '/nonexistent' });
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain('No agent runs');
  });
});

describe('a suggestion', () => {
  it('is a word one or two slips away, a beginning, or what others call it', () => {
    const known = ['status', 'start', 'stop', 'share', 'shares', 'ls', 'get'];
    const asked = ['statsu', 'shar', 'stauts', 'sta', 'list', 'gte', 'lq', 'frobnicate', ''];
    expect(asked.map((word) => nearest(word, known))).toEqual([
      'status',
      'share',
      'status',
      undefined,
      'ls',
      'get',
      'ls',
      undefined,
      undefined,
    ]);
  });
});

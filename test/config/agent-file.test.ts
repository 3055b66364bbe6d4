import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentFilePath, readAgentFile, writeAgentFile } from '../../config/agent-file.ts';

const content = { pid: 4711, url: 'http://127.0.0.1:6630', token: 't'.repeat(43) };
let home: string;
let run: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'nh-file-'));
  run = join(home, 'run');
});
afterEach(() => rm(home, { recursive: true, force: true }));

const put = async (text: string, mode = 0o600): Promise<void> => {
  await mkdir(run, { recursive: true, mode: 0o700 });
  await writeFile(agentFilePath(run), text, { mode });
};

describe('the file of the agent', () => {
  it('is 0600 in a folder that is 0700, and read as it was written', async () => {
    await writeAgentFile(run, content);
    expect((await stat(run)).mode & 0o777).toBe(0o700);
    expect((await stat(agentFilePath(run))).mode & 0o777).toBe(0o600);
    expect(await readAgentFile(run)).toEqual(content);
  });

  it('closes a folder of ours that others could read', async () => {
    await mkdir(run);
    await chmod(run, 0o755);
    await writeAgentFile(run, content);
    expect((await stat(run)).mode & 0o777).toBe(0o700);
  });

  it('goes with its agent, but not with that of a later one', async () => {
    const first = await writeAgentFile(run, content);
    const second = await writeAgentFile(run, { ...content, token: 'u'.repeat(43) });
    await first[Symbol.asyncDispose]();
    expect((await readAgentFile(run)).token).toBe('u'.repeat(43));
    await second[Symbol.asyncDispose]();
    await expect(readAgentFile(run)).rejects.toMatchObject({ code: 'no-agent' });
    await second[Symbol.asyncDispose]();
  });

  it('replaces a link that was laid in its way, and writes nothing through it', async () => {
    const other = join(home, 'other');
    await writeFile(other, 'precious');
    await mkdir(run, { mode: 0o700 });
    await symlink(other, agentFilePath(run));
    await writeAgentFile(run, content);
    expect(await readFile(other, 'utf8')).toBe('precious');
    expect(await readAgentFile(run)).toEqual(content);
  });

  it('is not written into a folder that is a link', async () => {
    await mkdir(join(home, 'elsewhere'));
    await symlink(join(home, 'elsewhere'), run);
    await expect(writeAgentFile(run, content)).rejects.toMatchObject({ code: 'not-permitted' });
  });

  it('is not believed where it is a link, a FIFO, too large, or open to others', async () => {
    await put('x'.repeat(5000));
    await expect(readAgentFile(run)).rejects.toMatchObject({ code: 'not-permitted' });
    await rm(agentFilePath(run));
    await put(JSON.stringify(content));
    await chmod(agentFilePath(run), 0o644);
    await expect(readAgentFile(run)).rejects.toMatchObject({ code: 'not-permitted' });
    await rm(agentFilePath(run));
    await writeFile(join(home, 'true.json'), JSON.stringify(content), { mode: 0o600 });
    await symlink(join(home, 'true.json'), agentFilePath(run));
    await expect(readAgentFile(run)).rejects.toMatchObject({ code: 'not-permitted' });
    await rm(agentFilePath(run));
    await promisify(execFile)('mkfifo', ['-m', '600', agentFilePath(run)]);
    await expect(readAgentFile(run)).rejects.toMatchObject({ code: 'not-permitted' });
  });

  it.each([
    ['nothing', ''],
    ['half of it', '{"pid": 4711, "url": "http://127.0'],
    ['a token of another form', JSON.stringify({ ...content, token: 'short' })],
    ['an address elsewhere', JSON.stringify({ ...content, url: 'http://evil.test:6630' })],
    ['a name that only begins like ours', JSON.stringify({ ...content, url: 'http://127.0.0.1.evil.test:6630' })],
    ['another scheme', JSON.stringify({ ...content, url: 'file:///etc/passwd' })],
  ])('with %s in it means no agent', async (_what, text) => {
    await put(text);
    await expect(readAgentFile(run)).rejects.toMatchObject({ code: 'no-agent' });
  });

  it('that is not there means no agent, also where the home is not there', async () => {
    await expect(readAgentFile(run)).rejects.toMatchObject({ code: 'no-agent' });
    await expect(readAgentFile(join(run, 'deeper'))).rejects.toMatchObject({ code: 'no-agent' });
  });
});

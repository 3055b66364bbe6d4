// needs: namespaces avahi dav gio
/**
 * The neighbourhood as a drive of a PC, by the programs that people have: litmus, rclone and GNOME's gio; and the folders
 * for everyone on a PC without nethood. Three hosts: Anna shares, Bob has a drive, the third has nothing of ours.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { TestAgent } from '../office/agents.ts';
import { type Finished, type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
const [annasHost, bobsHost, guest] = [1, 2, 3];
let office: Office;
let anna: TestAgent;
let bob: TestAgent;
let folder: string;
let docs: string;

beforeAll(async () => {
  office = scope.use(await startOffice(3));
  folder = await mkdtemp(join(tmpdir(), 'nh-drive-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  docs = join(folder, 'docs');
  const [music, team] = [join(folder, 'music'), join(folder, 'team')];
  await Promise.all([docs, music, team, join(folder, 'home')].map((each) => mkdir(each)));
  await writeFile(join(music, 'Für Elise.txt'), 'la la');
  await writeFile(join(team, 'plan.txt'), 'ours alone');
  await office.avahi(guest, 'start');
  [anna, bob] = await Promise.all([startAgent(annasHost, 'Anna'), startAgent(bobsHost, 'Bob')]);
  await anna.json(z.unknown(), 'share', docs, '--name', 'Docs', '--write');
  await anna.json(z.unknown(), 'share', music, '--name', 'Music');
  await anna.json(z.unknown(), 'share', team, '--name', 'Team', '--for', 'colleagues');
  await until(async () => (await bob.nethood('ls', 'anna')).stdout.includes('Music'), {
    what: 'Anna',
    withinMs: 15_000,
  });
});
afterAll(() => scope[Symbol.asyncDispose]());

async function startAgent(host: number, name: string): Promise<TestAgent> {
  return scope.use(await TestAgent.start({ host: { prefix: await office.entry(host) }, name }));
}

async function mount(...place: string[]): Promise<string> {
  return (await bob.json(z.object({ url: z.url(), command: z.string() }), 'mount', ...place)).url;
}

/** The status of an answer, and its body. */
async function curl(host: number, ...args: string[]): Promise<{ status: number; body: string }> {
  const out = await office.run(host, 'curl', ['-s', '-k', '-m', '30', '-w', '\n%{http_code}', ...args]);
  const at = out.lastIndexOf('\n');
  return { status: Number(out.slice(at + 1)), body: out.slice(0, at) };
}

const namesIn = async (host: number, url: string): Promise<string[]> => {
  const { body } = await curl(host, '-X', 'PROPFIND', '-H', 'Depth: 1', url);
  const hrefs = Array.from(body.matchAll(/href>([^<\n]+)/g), ([, href = '']) => decodeURIComponent(href));
  return hrefs.map((href) => href.replace(/\/$/, '').split('/').at(-1) ?? '').slice(1);
};

describe('a drive of the neighbourhood', () => {
  it('shows neighbours, what they share with us, and what is in it', async () => {
    const url = await mount();
    expect(await namesIn(bobsHost, url)).toEqual(['Anna']);
    expect((await namesIn(bobsHost, `${url}Anna/`)).toSorted()).toEqual(['Docs', 'Music']);
    expect(await namesIn(bobsHost, `${url}Anna/Music/`)).toEqual(['Für Elise.txt']);
    expect((await curl(bobsHost, `${url}Anna/Music/F%C3%BCr%20Elise.txt`)).body).toBe('la la');
    expect((await curl(bobsHost, `${url}Anna/Team/plan.txt`)).status).toBe(404);
  });

  it('may be changed where rights allow', async () => {
    const url = await mount();
    const put = (path: string) => curl(bobsHost, '-T', join(folder, 'music', 'Für Elise.txt'), `${url}${path}`);
    expect((await put('Anna/Docs/copy.txt')).status).toBe(201);
    expect(await readFile(join(docs, 'copy.txt'), 'utf8')).toBe('la la');
    for (const path of ['Anna/Music/copy.txt', 'Anna/copy.txt', 'copy.txt']) expect((await put(path)).status).toBe(403);
    expect((await curl(bobsHost, '-X', 'DELETE', `${url}Anna/Music/F%C3%BCr%20Elise.txt`)).status).toBe(403);
    const copied = ['-X', 'COPY', '-H', `Destination: ${url}Anna/Docs/Elise.txt`];
    expect((await curl(bobsHost, ...copied, `${url}Anna/Music/F%C3%BCr%20Elise.txt`)).status).toBe(201);
    expect((await readdir(docs)).toSorted()).toEqual(['Elise.txt', 'copy.txt']);
  });

  it('passes litmus, all suites, at a share of another PC', async () => {
    const url = await mount('anna/Docs');
    const { code, stdout } = await office.exec(bobsHost, 'litmus', ['-k', url], { cwd: join(folder, 'home') });
    const summaries = stdout.match(/^<- summary .*$/gm) ?? [];
    console.log(summaries.join('\n'));
    expect([code, summaries.filter((line) => line.includes(' 0 failed')).length]).toEqual([0, 5]);
    expect(stdout).not.toContain('WARNING');
  });

  it('is read and written by rclone, byte for byte', async () => {
    const url = await mount('anna/Docs');
    const source = join(folder, 'source');
    await mkdir(join(source, 'deep', 'empty'), { recursive: true });
    for (const name of ['ä ö.txt', '100% #1?.txt', 'deep/b.bin'])
      await writeFile(join(source, name), name.repeat(5_000));
    const rclone = (...args: string[]) => {
      const options = ['--webdav-url', url, '--webdav-vendor', 'other', '--config', '/dev/null'];
      return office.run(bobsHost, 'rclone', [...args, ...options], { env: { HOME: join(folder, 'home') } });
    };
    await rclone('copy', '--create-empty-src-dirs', source, ':webdav:by-rclone');
    expect((await readdir(join(docs, 'by-rclone'), { recursive: true })).toSorted()).toEqual(
      (await readdir(source, { recursive: true })).toSorted(),
    );
    await rclone('check', '--download', source, ':webdav:by-rclone');
    await rclone('purge', ':webdav:by-rclone');
    expect(await readdir(docs)).not.toContain('by-rclone');
  });

  it('is mounted by the command that it says, in GNOME and its like', async () => {
    const { url, command } = await bob.json(z.object({ url: z.url(), command: z.string() }), 'mount');
    const dav = url.replace('http', 'dav');
    expect(command).toBe(`gio mount ${dav}`);
    await writeFile(join(folder, 'letter.txt'), 'from gio');
    const { code, stdout, stderr } = await gio(
      command,
      `gio list ${dav}`,
      `gio copy ${join(folder, 'letter.txt')} ${dav}Anna/Docs/letter.txt`,
      `gio rename ${dav}Anna/Docs/letter.txt post.txt`,
      `gio cat ${dav}Anna/Docs/post.txt`,
      `gio remove ${dav}Anna/Docs/post.txt`,
      `gio mount -u ${dav}`,
    );
    expect([code, stdout], stderr).toEqual([0, expect.stringMatching(/^Anna\n[^]*from gio/)]);
    expect(await readdir(docs)).not.toContain('post.txt');
  });
});

/** In a session of its own, as after a login. */
function gio(...commands: string[]): Promise<Finished> {
  const env = { HOME: join(folder, 'home'), XDG_RUNTIME_DIR: join(folder, 'home'), LC_ALL: 'C.UTF-8' };
  const script = ['set -e', ...commands].join('\n');
  return office.exec(bobsHost, 'dbus-run-session', ['--', 'sh', '-c', script], { env });
}

describe('the key of a drive', () => {
  it('is in its address: who has not all of it gets nothing', async () => {
    const url = new URL(await mount());
    const [, dav, secret = ''] = url.pathname.split('/');
    for (const path of ['', `${secret.slice(0, -1)}/`, `${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}/`])
      expect((await curl(bobsHost, '-X', 'GET', `${url.origin}/${dav}/${path}`)).status).not.toBe(200);
    expect((await curl(bobsHost, '-H', 'Origin: http://127.0.0.1:1', url.href)).status).toBe(403);
    expect((await curl(bobsHost, '-H', 'Host: evil.example', url.href)).status).toBe(421);
    // Neither from the LAN: the port is on loopback alone.
    const { code } = await office.exec(guest, 'curl', [
      '-s',
      '-m',
      '5',
      `http://${office.address(bobsHost)}:${url.port}/`,
    ]);
    expect(code).not.toBe(0);
  });

  it('is in no log, and in a file for nobody else', async () => {
    const secret = (await mount()).split('/')[4] ?? '';
    const found = await office.exec(bobsHost, 'grep', ['-rl', secret, bob.home]);
    expect(found.stdout.trim()).toBe(join(bob.home, 'state', 'mounts.json'));
    expect((await office.run(bobsHost, 'stat', ['-c', '%a', join(bob.home, 'state', 'mounts.json')])).trim()).toBe(
      '600',
    );
  });

  it('opens after a restart, also of an agent that was killed, and not after it was revoked', async () => {
    const [all, one] = [await mount(), await mount('anna/Docs')];
    await anna.kill();
    // Its neighbour cannot be reached: that is not the same as a file that is gone.
    expect([502, 503, 504]).toContain((await curl(bobsHost, `${one}copy.txt`)).status);
    await bob.kill();
    await Promise.all([anna.start(), bob.start()]);
    // A file is asked for at the address that was known; what the neighbour shares is told by its session.
    for (const url of [`${one}copy.txt`, `${all}Anna/Docs/copy.txt`])
      await until(async () => (await curl(bobsHost, url)).body === 'la la', {
        what: () => `the drive to be there again\n${bob.output}`,
        withinMs: 20_000,
      });
    await bob.json(z.unknown(), 'mount', 'anna/Docs', '--revoke');
    expect((await curl(bobsHost, `${one}copy.txt`)).status).toBe(404);
    expect((await curl(bobsHost, `${all}Anna/Docs/copy.txt`)).status).toBe(200);
    expect((await bob.nethood('mount', 'anna/Docs', '--revoke')).code).toBe(4);
  });
});

const base = (): string => `https://${office.address(annasHost)}:6632`;

describe('a PC without nethood', () => {
  it('finds the folders for everyone, and no others', async () => {
    const lines = await until(
      async () => {
        const out = await office.run(guest, 'avahi-browse', ['-rtpk', '_webdavs._tcp']);
        const found = out.split('\n').filter((line) => line.startsWith('=;eth0;IPv4;'));
        return found.length === 2 ? found : undefined;
      },
      { what: 'two folders to be announced', withinMs: 15_000 },
    );
    const paths = lines.map((line) => /"path=([^"]+)"/.exec(line)?.[1] ?? '');
    const listed = await Promise.all(paths.map((path) => namesIn(guest, base() + path)));
    expect(listed.some((names) => names.includes('Für Elise.txt'))).toBe(true);
    expect(lines.join()).not.toContain('Team');
    expect(lines.every((line) => line.includes(String.raw`\032\040Anna\041`) && line.includes(';6632;'))).toBe(true);
  });

  it('reads them, by TLS and without, and changes nothing, also where agents may', async () => {
    for (const url of [base(), base().replace('https', 'http')]) {
      expect((await namesIn(guest, `${url}/dav/`)).toSorted()).toEqual(['Docs', 'Music']);
      expect((await curl(guest, `${url}/dav/Music/F%C3%BCr%20Elise.txt`)).body).toBe('la la');
      expect((await curl(guest, `${url}/dav/Team/plan.txt`)).status).toBe(404);
      expect((await curl(guest, '-X', 'DELETE', `${url}/dav/Docs/copy.txt`)).status).toBe(403);
    }
    const home = join(folder, 'home');
    const copied = await office.exec(
      guest,
      'rclone',
      ['copy', ':webdav:', join(folder, 'copied'), '--webdav-url', `${base()}/dav/Music/`, '--no-check-certificate'],
      { env: { HOME: home } },
    );
    expect(copied.code, copied.stderr).toBe(0);
    expect(await readFile(join(folder, 'copied', 'Für Elise.txt'), 'utf8')).toBe('la la');
  });

  it('finds nothing any more when nothing is for everyone', async () => {
    await anna.json(z.unknown(), 'unshare', 'Docs');
    expect((await curl(guest, `${base()}/dav/Docs/copy.txt`)).status).toBe(404);
    await anna.json(z.unknown(), 'unshare', 'Music');
    await until(async () => (await office.exec(guest, 'curl', ['-sk', '-m', '5', `${base()}/dav/`])).code !== 0, {
      what: 'the port for guests to close',
      withinMs: 10_000,
    });
    await until(async () => !(await office.run(guest, 'avahi-browse', ['-tpk', '_webdavs._tcp'])).includes('+;'), {
      what: 'the announcements to be gone',
      withinMs: 10_000,
    });
  });
});

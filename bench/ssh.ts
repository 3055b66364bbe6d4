/** What a user would take instead: scp, rsync and tar, from an sshd of our own on loopback. */
import { mkdir, rmdir, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, missingOf, Service, timed, untilUp } from './command.ts';
import { type Mover, nothing } from './mover.ts';

/** Compiled into Debian's sshd; only root's sshd wants it, and only the service makes it. */
const privilegeFolder = '/run/sshd';

/** Programs that go by the same sshd. */
export interface Sshd extends AsyncDisposable {
  /** Options of ssh and scp, without the port, which they call differently. */
  readonly options: readonly string[];
  readonly port: number;
  readonly login: string;
}

export async function openSshd(folder: string): Promise<Sshd | string> {
  const program = await sshdPath();
  if (program === undefined) return 'sshd';
  const missing = await missingOf('ssh', 'ssh-keygen');
  if (missing !== undefined) return missing;
  await mkdir(folder, { mode: 0o700 });
  const [hostKey, userKey] = [join(folder, 'host'), join(folder, 'user')];
  for (const key of [hostKey, userKey]) await timed('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const port = await freePort();
  const configuration = join(folder, 'sshd_config');
  await writeFile(configuration, sshdConfiguration({ folder, port, hostKey, userKey }));
  const madeFolder = process.getuid?.() === 0 && (await makeMissing(privilegeFolder));
  const service = new Service(program, ['-D', '-e', '-f', configuration]);
  const said = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'IdentitiesOnly=yes', 'LogLevel=ERROR'];
  const options = ['-F', 'none', '-i', userKey, ...said.flatMap((option) => ['-o', option])];
  const login = `${userInfo().username}@127.0.0.1`;
  await untilUp(service, () => timed('ssh', [...options, '-o', 'BatchMode=yes', '-p', String(port), login, 'true']));
  return {
    options,
    port,
    login,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      if (madeFolder) await rmdir(privilegeFolder);
    },
  };
}

export async function scpMover({ options, port, login }: Sshd, file: string): Promise<Mover | string> {
  const missing = await missingOf('scp');
  if (missing !== undefined) return missing;
  const args = ['-q', ...options, '-P', String(port), `${login}:${file}`];
  return { name: 'scp', move: (target) => timed('scp', [...args, target]), ...nothing };
}

/** A file, or a folder with a slash at its end. */
export async function rsyncMover({ options, port, login }: Sshd, source: string): Promise<Mover | string> {
  const missing = await missingOf('rsync');
  if (missing !== undefined) return missing;
  const shell = ['ssh', ...options, '-p', String(port)].join(' ');
  const args = ['-a', '-e', shell, `${login}:${source}`];
  return { name: 'rsync over ssh', move: (target) => timed('rsync', [...args, target]), ...nothing };
}

export async function tarMover({ options, port, login }: Sshd, folder: string): Promise<Mover | string> {
  const missing = await missingOf('tar');
  if (missing !== undefined) return missing;
  const script = 'mkdir "$0" && ssh "$@" | tar -C "$0" -xf -';
  const ssh = [...options, '-p', String(port), login, `tar -C ${folder} -cf - .`];
  return { name: 'tar over ssh', move: (target) => timed('/bin/sh', ['-c', script, target, ...ssh]), ...nothing };
}

/** sshd refuses to run by a relative name, and lies outside of most users' PATH. */
async function sshdPath(): Promise<string | undefined> {
  for (const path of ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'])
    if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
  return undefined;
}

async function makeMissing(folder: string): Promise<boolean> {
  return mkdir(folder, { mode: 0o755 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

interface SshdOptions {
  readonly folder: string;
  readonly port: number;
  readonly hostKey: string;
  readonly userKey: string;
}

function sshdConfiguration({ folder, port, hostKey, userKey }: SshdOptions): string {
  return `ListenAddress 127.0.0.1:${port}
HostKey ${hostKey}
AuthorizedKeysFile ${userKey}.pub
PidFile ${folder}/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
`;
}

/** What a user would take instead: scp, from an sshd of our own on loopback. */
import { mkdir, rmdir, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, missingOf, Service, timed, untilUp } from './command.ts';
import type { Mover } from './mover.ts';

/** Compiled into Debian's sshd; only root's sshd wants it, and only the service makes it. */
const privilegeFolder = '/run/sshd';

export async function openScp(file: string, folder: string): Promise<Mover | string> {
  const program = await sshdPath();
  if (program === undefined) return 'sshd';
  const missing = await missingOf('scp', 'ssh-keygen');
  if (missing !== undefined) return missing;
  await mkdir(folder, { mode: 0o700 });
  const [hostKey, userKey] = [join(folder, 'host'), join(folder, 'user')];
  for (const key of [hostKey, userKey]) await timed('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const port = await freePort();
  const configuration = join(folder, 'sshd_config');
  await writeFile(configuration, sshdConfiguration({ folder, port, hostKey, userKey }));
  const madeFolder = process.getuid?.() === 0 && (await makeMissing(privilegeFolder));
  const service = new Service(program, ['-D', '-e', '-f', configuration]);
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'IdentitiesOnly=yes', 'LogLevel=ERROR'];
  const ssh = ['-F', 'none', '-i', userKey, ...options.flatMap((option) => ['-o', option])];
  const login = `${userInfo().username}@127.0.0.1`;
  await untilUp(service, () => timed('ssh', [...ssh, '-o', 'BatchMode=yes', '-p', String(port), login, 'true']));
  return {
    name: 'scp',
    move: async (target) => {
      const { seconds } = await timed('scp', ['-q', ...ssh, '-P', String(port), `${login}:${file}`, target]);
      return { seconds };
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      if (madeFolder) await rmdir(privilegeFolder);
    },
  };
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

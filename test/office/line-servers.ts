/** What else moves files over a line: nginx and sshd on one host of an office, and the commands by which another host uses them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Scope } from '../../agent/base/scope.ts';
import { makeCertificate, nginxPreamble } from '../../bench/nginx-curl.ts';
import type { Office, OfficeProcess } from './office.ts';
import { until } from './until.ts';

export type Command = readonly string[];

/** Each a command for another host. */
export interface LineServers extends AsyncDisposable {
  /** `path` below the root. */
  readonly curl: (path: string, to: string) => Command;
  readonly scpFrom: (file: string, to: string) => Command;
  readonly scpTo: (file: string, to: string) => Command;
  readonly rsyncFrom: (folder: string, to: string) => Command;
  /** `to` does not exist before. */
  readonly tarFrom: (folder: string, to: string) => Command;
  readonly tarTo: (folder: string, to: string) => Command;
}

const [httpsPort, sshPort] = [8443, 2222];

export async function openLineServers(
  office: Office,
  { host, root }: { host: number; root: string },
): Promise<LineServers> {
  const scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'nh-servers-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const address = office.address(host);
  scope.use(ending(await startNginx(office, { host, folder, root })));
  const key = join(folder, 'user');
  scope.use(ending(await startSshd(office, { host, folder, key })));
  const known = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'IdentitiesOnly=yes', 'LogLevel=ERROR'];
  const options = ['-F', 'none', '-i', key, ...known.flatMap((option) => ['-o', option])];
  const ssh = ['ssh', ...options, '-p', String(sshPort)];
  const scp = ['scp', '-q', ...options, '-P', String(sshPort)];
  return {
    curl: (path, to) => ['curl', '-sSfk', '-o', to, `https://${address}:${httpsPort}/${path}`],
    scpFrom: (file, to) => [...scp, `root@${address}:${file}`, to],
    scpTo: (file, to) => [...scp, file, `root@${address}:${to}`],
    rsyncFrom: (source, to) => ['rsync', '-a', '-e', ssh.join(' '), `root@${address}:${source}`, to],
    tarFrom: (source, to) =>
      shell('mkdir "$0" && "$@" | tar -C "$0" -xf -', to, ...ssh, `root@${address}`, `tar -C ${source} -cf - .`),
    tarTo: (source, to) =>
      shell('tar -C "$0" -cf - . | "$@"', source, ...ssh, `root@${address}`, `mkdir ${to} && tar -C ${to} -xf -`),
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

function shell(script: string, ...words: Command): Command {
  return ['sh', '-c', script, ...words];
}

async function startNginx(
  office: Office,
  { host, folder, root }: { host: number; folder: string; root: string },
): Promise<OfficeProcess> {
  const { key, certificate } = await makeCertificate(folder);
  const configuration = join(folder, 'nginx.conf');
  const server = `listen ${office.address(host)}:${httpsPort} ssl; ssl_protocols TLSv1.3; root ${root};
    ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
  await writeFile(configuration, `${nginxPreamble(folder)}\n  server { ${server} }\n}\n`);
  const nginx = await office.spawn(host, 'nginx', ['-e', 'stderr', '-p', folder, '-c', configuration]);
  await listens(office, host, httpsPort);
  return nginx;
}

/** @param key made here: of who may log in */
async function startSshd(
  office: Office,
  { host, folder, key }: { host: number; folder: string; key: string },
): Promise<OfficeProcess> {
  const hostKey = join(folder, 'host');
  for (const path of [hostKey, key])
    await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  const configuration = join(folder, 'sshd_config');
  await writeFile(
    configuration,
    `ListenAddress ${office.address(host)}:${sshPort}
HostKey ${hostKey}
AuthorizedKeysFile ${key}.pub
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
`,
  );
  // The host's own /run.
  await office.run(host, 'mkdir', ['-p', '/run/sshd']);
  const sshd = await office.spawn(host, '/usr/sbin/sshd', ['-D', '-e', '-f', configuration]);
  await listens(office, host, sshPort);
  return sshd;
}

/** Asked rather than killed: nginx has its workers to end. */
function ending(server: OfficeProcess): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      server.kill('SIGTERM');
      await server.exited;
    },
  };
}

async function listens(office: Office, host: number, port: number): Promise<void> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  await until(async () => (await office.run(host, 'cat', ['/proc/net/tcp'])).includes(`:${hex} 00000000:0000 0A`), {
    what: `port ${port}`,
    withinMs: 20_000,
  });
}

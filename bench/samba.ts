/** What a user would take instead: a share of Samba, fetched by smbclient. A password, so that it is signed as between PCs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { freePort, missingOf, Service, timed, untilUp } from './command.ts';
import { type Mover, nothing } from './mover.ts';

export interface Samba extends AsyncDisposable {
  readonly port: number;
  /** User and password, as smbclient wants them. */
  readonly login: string;
}

/** Serves `served` on loopback alone. */
export async function openSamba(served: string, folder: string): Promise<Samba | string> {
  const missing = await missingOf('smbd', 'smbpasswd', 'smbclient');
  if (missing !== undefined) return missing;
  await mkdir(folder, { mode: 0o700 });
  const port = await freePort();
  const configuration = join(folder, 'smb.conf');
  await writeFile(configuration, sambaConfiguration({ served, folder, port }));
  const { username } = userInfo();
  const script = 'printf "%s\\n%s\\n" "$1" "$1" | smbpasswd -c "$2" -s -a "$3"';
  await timed('/bin/sh', ['-c', script, 'sh', password, configuration, username]);
  const service = new Service('smbd', ['--foreground', '--configfile', configuration]);
  const samba = { port, login: `${username}%${password}` };
  await untilUp(service, () => smbclient(samba, 'ls'));
  return { ...samba, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

/** For a share that is gone when the run ends. */
const password = 'bench';

export function smbFileMover(samba: Samba, file: string): Mover {
  return { name: 'smbclient', move: (target) => smbclient(samba, `get "${basename(file)}" "${target}"`), ...nothing };
}

export function smbFolderMover(samba: Samba, source: string): Mover {
  return {
    name: 'smbclient mget',
    move: async (target) => {
      await mkdir(target);
      return smbclient(samba, `prompt off; recurse on; lcd "${target}"; cd "${basename(source)}"; mget *`);
    },
    ...nothing,
  };
}

function smbclient({ port, login }: Pick<Samba, 'port' | 'login'>, command: string): ReturnType<typeof timed> {
  const configuration = ['--configfile', '/dev/null', '--option', 'client min protocol=SMB3'];
  return timed('smbclient', [...configuration, '//127.0.0.1/bench', '-p', String(port), '-U', login, '-c', command]);
}

interface SambaOptions {
  readonly served: string;
  readonly folder: string;
  readonly port: number;
}

function sambaConfiguration({ served, folder, port }: SambaOptions): string {
  const folders = [
    'pid directory',
    'lock directory',
    'state directory',
    'cache directory',
    'private dir',
    'ncalrpc dir',
  ];
  return `[global]
server role = standalone server
smb ports = ${port}
interfaces = 127.0.0.1
bind interfaces only = yes
disable netbios = yes
load printers = no
printing = bsd
printcap name = /dev/null
disable spoolss = yes
passdb backend = tdbsam:${folder}/passdb.tdb
log file = ${folder}/log
${folders.map((name) => `${name} = ${folder}`).join('\n')}
[bench]
path = ${served}
read only = yes
force user = ${userInfo().username}
`;
}

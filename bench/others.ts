/** The services of what a user would take instead, each opened once for both tables: one file, and many small ones. */
import { join } from 'node:path';
import type { Scope } from '../agent/base/scope.ts';
import { attempt, type Mover } from './mover.ts';
import { openRclone, rcloneFileMover, rcloneFolderMover } from './rclone.ts';
import { openSamba, smbFileMover, smbFolderMover } from './samba.ts';
import { openSshd, rsyncMover, scpMover, tarMover } from './ssh.ts';

/** Or why there is none. */
type Named = readonly [name: string, mover: Mover | string];

export interface Others {
  forFile(file: string): Promise<Named[]>;
  forFolder(folder: string): Promise<Named[]>;
}

/** @param served what Samba and rclone share; the files to move lie in it */
export async function openOthers(served: string, folder: string, scope: Scope): Promise<Others> {
  const opened = async <T extends AsyncDisposable>(opening: Promise<T | string>): Promise<T | string> => {
    const service = await attempt(opening);
    return typeof service === 'string' ? service : scope.use(service);
  };
  const sshd = await opened(openSshd(join(folder, 'ssh')));
  const samba = await opened(openSamba(served, join(folder, 'samba')));
  const rclone = await opened(openRclone(served, join(folder, 'rclone-tls')));
  return {
    forFile: async (file) => [
      ['scp', await by(sshd, (service) => attempt(scpMover(service, file)))],
      ['rsync over ssh', await by(sshd, (service) => attempt(rsyncMover(service, file)))],
      ['smbclient', await by(samba, (service) => smbFileMover(service, file))],
      ['rclone', await by(rclone, (service) => rcloneFileMover(service, file))],
    ],
    forFolder: async (source) => [
      ['tar over ssh', await by(sshd, (service) => attempt(tarMover(service, source)))],
      ['rsync over ssh', await by(sshd, (service) => attempt(rsyncMover(service, `${source}/`)))],
      ['smbclient', await by(samba, (service) => smbFolderMover(service, source))],
      ['rclone', await by(rclone, (service) => rcloneFolderMover(service, source))],
    ],
  };
}

async function by<T>(
  service: T | string,
  mover: (service: T) => Mover | Promise<Mover | string>,
): Promise<Mover | string> {
  return typeof service === 'string' ? service : mover(service);
}

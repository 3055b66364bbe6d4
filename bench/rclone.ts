/** What a user would take instead: rclone at both ends, WebDAV over TLS between them. */
import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { freePort, missingOf, Service, timed, untilUp } from './command.ts';
import { type Mover, nothing } from './mover.ts';
import { makeCertificate } from './nginx-curl.ts';

export interface Rclone extends AsyncDisposable {
  readonly url: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** Serves `served` on loopback alone. */
export async function openRclone(served: string, folder: string): Promise<Rclone | string> {
  const missing = await missingOf('rclone', 'openssl');
  if (missing !== undefined) return missing;
  await mkdir(folder);
  const { key, certificate } = await makeCertificate(folder);
  const port = await freePort();
  const environment = { PATH: process.env['PATH'], HOME: folder };
  const args = ['serve', 'webdav', served, '--config', '', '--addr', `127.0.0.1:${port}`, '--cert', certificate];
  const service = new Service('rclone', [...args, '--key', key], environment);
  const rclone = { url: `https://127.0.0.1:${port}/`, environment };
  await untilUp(service, () => ran(rclone, 'lsd', ':webdav:'));
  return { ...rclone, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

export function rcloneFileMover(rclone: Rclone, file: string): Mover {
  const name = 'rclone, WebDAV over TLS';
  return { name, move: (target) => ran(rclone, 'copyto', `:webdav:${basename(file)}`, target), ...nothing };
}

export function rcloneFolderMover(rclone: Rclone, source: string): Mover {
  return {
    name: 'rclone, WebDAV over TLS, 8 at once',
    slow: true,
    move: (target) => ran(rclone, 'copy', '--transfers', '8', `:webdav:${basename(source)}`, target),
    ...nothing,
  };
}

function ran({ url, environment }: Pick<Rclone, 'url' | 'environment'>, ...args: string[]): ReturnType<typeof timed> {
  const always = ['--config', '', '--no-check-certificate', '--webdav-url', url];
  return timed('rclone', [...always, ...args], environment);
}

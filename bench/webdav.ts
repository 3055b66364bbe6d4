/** A file by WebDAV, there and back by curl: the drive and the folder for guests, beside what else serves folders so. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { BenchAgent } from './agents.ts';
import { freePort, missingOf, Service, timed, untilUp } from './command.ts';
import { type Mover, nothing } from './mover.ts';
import { nginxPreamble } from './nginx-curl.ts';

/** A folder behind a URL, which ends with a slash. */
export interface DavFolder extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

export function davGet({ name, url }: DavFolder, file: string): Mover {
  const from = url + basename(file);
  return {
    name,
    move: (target) => timed('curl', ['--silent', '--show-error', '--fail', '-o', target, from]),
    ...nothing,
  };
}

/** The target lies in the folder that is served. */
export function davPut({ name, url }: DavFolder, file: string): Mover {
  const always = ['--silent', '--show-error', '--fail', '-H', 'Expect:', '-o', '/dev/null'];
  return { name, move: (target) => timed('curl', [...always, '-T', file, url + basename(target)]), ...nothing };
}

const MountResult = z.object({ url: z.url() });

/** What the owner shares with everyone, to be changed: at the asker's drive, and for guests, who may only read. */
export async function openOwnFolders(
  asker: BenchAgent,
  owner: BenchAgent,
  folder: string,
): Promise<{ drive: DavFolder; guests: DavFolder }> {
  await owner.nethood('share', folder, '--name', 'Drive', '--write');
  const { device, ports } = await owner.snapshot();
  await asker.until(({ neighbours }) => neighbours.find(({ shares }) => shares.some(({ name }) => name === 'Drive')));
  const { stdout } = await asker.nethood('mount', `${device.id}/Drive`, '--json');
  const { url } = MountResult.parse(JSON.parse(stdout));
  const guests = `http://127.0.0.1:${ports.guests}/dav/Drive/`;
  return {
    drive: { name: "nethood drive, to a neighbour's disk", url, ...nothing },
    guests: { name: 'nethood, folder for guests', url: guests, ...nothing },
  };
}

export async function openNginxDav(root: string, folder: string): Promise<DavFolder | string> {
  const missing = await missingOf('nginx', 'curl');
  if (missing !== undefined) return missing;
  await mkdir(folder);
  const port = await freePort();
  const configuration = join(folder, 'nginx.conf');
  const server = `listen 127.0.0.1:${port}; root ${root}; dav_methods PUT; client_max_body_size 0;`;
  await writeFile(configuration, `${nginxPreamble(folder)} server { ${server} } }\n`);
  const service = new Service('nginx', ['-e', 'stderr', '-p', folder, '-c', configuration]);
  return opened('nginx', `http://127.0.0.1:${port}/`, service);
}

export async function openRcloneDav(root: string, folder: string): Promise<DavFolder | string> {
  const missing = await missingOf('rclone', 'curl');
  if (missing !== undefined) return missing;
  await mkdir(folder);
  const port = await freePort();
  const environment = { PATH: process.env['PATH'], HOME: folder };
  const args = ['serve', 'webdav', root, '--addr', `127.0.0.1:${port}`, '--config', ''];
  return opened('rclone serve webdav', `http://127.0.0.1:${port}/`, new Service('rclone', args, environment));
}

async function opened(name: string, url: string, service: Service): Promise<DavFolder> {
  await untilUp(service, () => timed('curl', ['--silent', '-o', '/dev/null', url]));
  return { name, url, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

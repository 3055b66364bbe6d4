/** The table of WebDAV: first what is fetched, then what is put. */
import { mkdir, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Scope } from '../agent/base/scope.ts';
import type { BenchAgent } from './agents.ts';
import { attempt, race } from './mover.ts';
import { speedRows } from './speed.ts';
import { davGet, davPut, type DavFolder, openNginxDav, openOwnFolders, openRcloneDav } from './webdav.ts';

interface DavSetting {
  readonly folder: string;
  /** Moved into the folder that is served. */
  readonly file: string;
  readonly rounds: number;
}

export async function davRows(
  asker: BenchAgent,
  owner: BenchAgent,
  { folder, file, rounds }: DavSetting,
): Promise<string[][]> {
  await using scope = new Scope();
  const served = join(folder, 'dav');
  await mkdir(served);
  const source = join(served, basename(file));
  await rename(file, source);
  const { size } = await stat(source);
  const opened: [string, DavFolder | string][] = [
    ['nginx', await attempt(openNginxDav(served, join(folder, 'nginx-dav')))],
    ['rclone serve webdav', await attempt(openRcloneDav(served, join(folder, 'rclone')))],
  ];
  const others = opened.flatMap(([, dav]) => (typeof dav === 'string' ? [] : [scope.use(dav)]));
  const { drive, guests } = await openOwnFolders(asker, owner, served);
  const setting = { file: source, folder: served, rounds };
  const got = await race(
    [...others, guests, drive].map((dav) => davGet(dav, source)),
    setting,
  );
  const put = await race(
    [...others, drive].map((dav) => davPut(dav, source)),
    setting,
  );
  const columns = ['seconds', 'MB/s', 'ratio', 'worst', 'best'];
  const leftOut = opened.flatMap(([name, dav]) => (typeof dav === 'string' ? [[name, `left out: ${dav}`]] : []));
  return [['GET', ...columns], ...speedRows(got, size), ['PUT', ...columns], ...speedRows(put, size), ...leftOut];
}

/**
 * What the helper program of systray2 needs on disk, in a folder of our own:
 * - an executable copy: the package installs it without the exec bit, and its own repair fails in current Node;
 * - a working folder: the helper is taken from `./traybin` there first, so it must be a folder that nobody fills;
 * - a TMPDIR: the helper leaves its icon files behind when it is killed.
 */
import { chmod, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';

export interface HelperFiles {
  /** `copyDir` of systray2. */
  readonly copyFolder: string;
  readonly workFolder: string;
  readonly temporaryFolder: string;
}

const binaryNames: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'tray_linux_release',
  darwin: 'tray_darwin_release',
  win32: 'tray_windows_release.exe',
};

/** `folder` belongs to the tray alone; one tray at a time. */
export async function prepareHelperFiles(folder: string, platform: NodeJS.Platform): Promise<HelperFiles> {
  const files = {
    copyFolder: join(folder, 'helper'),
    workFolder: join(folder, 'work'),
    temporaryFolder: join(folder, 'tmp'),
  };
  await mkdir(files.copyFolder, { recursive: true, mode: 0o700 });
  for (const own of [files.workFolder, files.temporaryFolder]) {
    await rm(own, { recursive: true, force: true });
    await mkdir(own, { mode: 0o700 });
  }
  const name = binaryNames[platform];
  if (name !== undefined) await copyHelper(files.copyFolder, name);
  return files;
}

/** Compared with the package's at each start: a copy that a crash or another hand left wrong is replaced. */
async function copyHelper(copyFolder: string, name: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('systray2/package.json');
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(manifest, 'utf8')));
  const source = join(dirname(manifest), 'traybin', name);
  const target = join(copyFolder, version, name);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  if (!(await sameContent(source, target))) {
    const temporary = `${target}.new`;
    await rm(temporary, { force: true });
    await copyFile(source, temporary);
    await rename(temporary, target);
  }
  await chmod(target, 0o755);
}

async function sameContent(source: string, target: string): Promise<boolean> {
  const [wanted, there] = await Promise.all([readFile(source), readFile(target).catch(missingIsUndefined)]);
  return there?.equals(wanted) === true;
}

function missingIsUndefined(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

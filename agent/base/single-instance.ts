/**
 * One agent per home. The lock is a name that the system itself frees when its process dies, however it dies: an
 * abstract socket on Linux, a named pipe on Windows. macOS has neither; there a socket file is taken over when nobody
 * answers on it. The name holds a secret of the home, so that no other user can occupy it.
 */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import { randomId } from './random-id.ts';

/** @throws NethoodError `already-running` */
export async function claimHome(stateFolder: string, platform: NodeJS.Platform): Promise<AsyncDisposable> {
  const name = lockName(await homeSecret(stateFolder), stateFolder, platform);
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, name);
  } catch (error) {
    if (!isInUse(error)) throw error;
    if (platform !== 'darwin' || (await answers(name))) throw alreadyRunning(stateFolder);
    await rm(name, { force: true });
    await listen(server, name);
  }
  server.unref();
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())) };
}

function lockName(secret: string, stateFolder: string, platform: NodeJS.Platform): string {
  if (platform === 'linux') return `\0nethood-${secret}`;
  if (platform === 'win32') return `\\\\.\\pipe\\nethood-${secret}`;
  return join(stateFolder, 'lock.sock');
}

/** Made once per home; `link` lets exactly one of two first starts win. */
async function homeSecret(stateFolder: string): Promise<string> {
  const path = join(stateFolder, 'lock-name');
  const temporary = `${path}.${randomId()}`;
  await writeFile(temporary, randomId(), { flag: 'wx', mode: 0o600 });
  try {
    await link(temporary, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return (await readFile(path, 'utf8')).trim();
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function alreadyRunning(stateFolder: string): NethoodError {
  return new NethoodError('already-running', `Another nethood agent runs with ${stateFolder}.`);
}

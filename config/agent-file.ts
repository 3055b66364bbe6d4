/**
 * `run/agent.json`: how the faces of one user find their agent, and the token that proves them to be that user's. The
 * folder is 0700 and the file 0600; what belongs to somebody else, or is a link, is neither written nor believed.
 */
import { constants } from 'node:fs';
import { chmod, lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurable } from '../agent/base/write-file-durable.ts';
import { AgentFile } from '../protocol/control.ts';
import { NethoodError } from '../protocol/errors.ts';
import { makeFolder } from './make-folder.ts';

const largest = 4096;
const othersBits = 0o077;

export function agentFilePath(runFolder: string): string {
  return join(runFolder, 'agent.json');
}

/** Removed again when disposed, unless another agent has written its own meanwhile. @throws NethoodError `not-permitted` where the run folder is another user's */
export async function writeAgentFile(runFolder: string, content: AgentFile): Promise<AsyncDisposable> {
  await makePrivateFolder(runFolder);
  // A new file with O_EXCL, then renamed: a link that somebody laid at either name is replaced, never followed.
  await writeFileDurable(agentFilePath(runFolder), `${JSON.stringify(AgentFile.parse(content))}\n`, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      const present = await readAgentFile(runFolder).catch(() => undefined);
      if (present?.token === content.token) await rm(agentFilePath(runFolder), { force: true });
    },
  };
}

/** @throws NethoodError `no-agent` where there is none, `not-permitted` where the file is not only this user's */
export async function readAgentFile(runFolder: string): Promise<AgentFile> {
  const path = agentFilePath(runFolder);
  const text = await readPrivateFile(path).catch((error: unknown) => {
    if (error instanceof NethoodError) throw error;
    if (isErrno(error, 'ENOENT', 'ENOTDIR'))
      throw new NethoodError('no-agent', `No agent runs in this home; start one with \`nethood start\`.`);
    throw new NethoodError('not-permitted', `The file ${path} cannot be read.`, { cause: error });
  });
  const content = AgentFile.safeParse(tryJson(text));
  if (!content.success || !isLoopback(content.data.url))
    throw new NethoodError(
      'no-agent',
      `The file ${path} is not one that an agent wrote; start one with \`nethood start\`.`,
    );
  return content.data;
}

async function makePrivateFolder(folder: string): Promise<void> {
  await makeFolder(folder);
  const found = await lstat(folder);
  if (!found.isDirectory() || !isOwn(found.uid))
    throw new NethoodError('not-permitted', `The folder ${folder} is a link or belongs to another user.`);
  if (process.platform !== 'win32' && (found.mode & othersBits) !== 0) await chmod(folder, 0o700);
}

/** O_NONBLOCK: a FIFO laid in the way must not hold the reader for ever. */
async function readPrivateFile(path: string): Promise<string> {
  // Windows has neither flag; there the user's profile folder keeps others out.
  const noFollow = constants.O_NOFOLLOW ?? 0;
  const nonBlock = constants.O_NONBLOCK ?? 0;
  const file = await open(path, constants.O_RDONLY | noFollow | nonBlock);
  try {
    const found = await file.stat();
    const exposed = process.platform !== 'win32' && (found.mode & othersBits) !== 0;
    if (!found.isFile() || found.size > largest || !isOwn(found.uid) || exposed)
      throw new NethoodError('not-permitted', `The file ${path} is not a file of this user alone; it is not believed.`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function isOwn(uid: number): boolean {
  return process.getuid === undefined || process.getuid() === uid;
}

/** The token is told to this PC only. */
function isLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON, therefore not an agent's file: the caller says so.
    return undefined;
  }
}

function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/**
 * Who this installation is: one private key, made at the first start and kept for years, and the certificate around
 * it. The key is the identity; the certificate can be remade at any time and the device stays the same.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import { type DeviceId, hostNameOf, mostHostNames, nthHostName } from '../../protocol/ids.ts';
import { randomId } from '../base/random-id.ts';
import { renameDurable, syncFolder, writeFileDurable } from '../base/write-file-durable.ts';
import { deviceIdOf, makeCertificate } from './certificate.ts';

/** This installation's key, and the certificate around it. */
export interface Identity {
  readonly id: DeviceId;
  /** PKCS #8, ECDSA P-256. */
  readonly keyPem: string;
  readonly certificatePem: string;
  /** `nh-<8>.local`, as announced unless another has it. */
  readonly hostName: string;
}

interface IdentityDeps {
  /** Wall-clock milliseconds. */
  readonly now: number;
}

const largestKeyFile = 16_384;

/** `identity-key.pem` and `identity-certificate.pem` of the state folder, made where they are missing. @throws NethoodError `key-exposed`, `key-invalid` */
export async function loadIdentity(stateFolder: string, { now }: IdentityDeps): Promise<Identity> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const exposed = exposureOf(await stat(stateFolder), 'folder', process.getuid?.());
  if (exposed !== undefined) throw new NethoodError('key-exposed', `The folder ${stateFolder} ${exposed}.`);
  const keyPath = join(stateFolder, 'identity-key.pem');
  const keyPem = (await readKey(keyPath)) ?? (await makeKey(keyPath));
  const key = parseKey(keyPem, keyPath);
  const id = deviceIdOf(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  const hostName = hostNameOf(id);
  const certificatePath = join(stateFolder, 'identity-certificate.pem');
  const hostNames = Array.from({ length: mostHostNames }, (_, at) => nthHostName(hostName, at + 1));
  return { id, keyPem, hostName, certificatePem: await certificate(certificatePath, { key, hostNames, now }) };
}

/** Why this key file, or the folder that holds it, is in the reach of other users; as ssh does. Not on Windows, where modes say nothing and the user's folder is closed by its ACL. */
export function exposureOf(
  { mode, uid }: Pick<Stats, 'mode' | 'uid'>,
  kind: 'file' | 'folder',
  user: number | undefined,
): string | undefined {
  if (user === undefined) return undefined;
  if (uid !== user) return 'belongs to another user; the private key must be yours alone';
  if (kind === 'folder') return (mode & 0o022) === 0 ? undefined : 'can be written by other users; run: chmod go-w';
  return (mode & 0o077) === 0
    ? undefined
    : 'can be read by other users; run: chmod 600, or remove it to be a new device';
}

/** Undefined where there is none. What is checked is what was opened, not what the path led to before. */
async function readKey(path: string): Promise<string | undefined> {
  // O_NOFOLLOW does not exist on Windows.
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((error) =>
    missingOr(error, () => new NethoodError('key-invalid', `The key file ${path} cannot be opened.`, { cause: error })),
  );
  if (file === undefined) return undefined;
  try {
    const stats = await file.stat();
    const exposed = exposureOf(stats, 'file', process.getuid?.());
    if (exposed !== undefined) throw new NethoodError('key-exposed', `The key file ${path} ${exposed}.`);
    if (stats.isFile() && stats.size <= largestKeyFile) return await file.readFile('utf8');
    throw new NethoodError('key-invalid', `The key file ${path} is not a file with a key.`);
  } finally {
    await file.close();
  }
}

/** Written aside, then linked to its name, which fails where another process was faster: then that one's key is ours too. */
async function makeKey(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  await createDurable(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const keyPem = await readKey(path);
  if (keyPem !== undefined) return keyPem;
  throw new NethoodError('key-invalid', `The key file ${path} vanished while it was made.`);
}

/** The file is there when this returns: with this content, or what another process put there first. */
async function createDurable(path: string, content: string | Buffer): Promise<void> {
  const aside = `${path}.${randomId().slice(0, 8)}.new`;
  await writeFileDurable(aside, content);
  try {
    await link(aside, path);
    await syncFolder(join(path, '..'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    // File systems without hard links: the last one wins, and both read what it wrote.
    if (code !== undefined && ['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP'].includes(code))
      await renameDurable(aside, path);
    else throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch (cause) {
    throw new NethoodError('key-invalid', keyUnusable(path), { cause });
  }
  throw new NethoodError('key-invalid', keyUnusable(path));
}

function keyUnusable(path: string): string {
  return `The key file ${path} holds no P-256 private key; put the right one back, or remove it to be a new device.`;
}

interface CertificateWish {
  readonly key: KeyObject;
  /**
   * Every name that a conflict can give us, from the beginning on: a certificate remade at a rename would not be the one
   * that print systems have pinned, and it would have to be remade when the name comes back.
   */
  readonly hostNames: readonly string[];
  readonly now: number;
}

/** The one on disk while it serves, so that print systems that remember it stay content; else a new one of the same key. */
async function certificate(path: string, wish: CertificateWish): Promise<string> {
  const found = await readFile(path, 'utf8').catch((error) => missingOr(error, () => error as Error));
  if (found !== undefined && serves(found, wish)) return found;
  const made = makeCertificate(wish);
  if (found === undefined) await createDurable(path, made);
  else await writeFileDurable(path, made);
  const kept = await readFile(path, 'utf8');
  return serves(kept, wish) ? kept : made;
}

function serves(pem: string, { key, hostNames, now }: CertificateWish): boolean {
  try {
    const certificateFound = new X509Certificate(pem);
    return (
      certificateFound.checkPrivateKey(key) &&
      hostNames.every((hostName) => certificateFound.checkHost(hostName) === hostName) &&
      Date.parse(certificateFound.validTo) > now
    );
  } catch {
    // Not a certificate at all: the same as one that does not serve, it is remade.
    return false;
  }
}

function missingOr(error: unknown, other: () => Error): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw other();
}

import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostNameOf, mostHostNames, nthHostName } from '../../protocol/ids.ts';
import { deviceIdOf, makeCertificate } from '../../agent/trust/certificate.ts';
import { exposureOf, loadIdentity } from '../../agent/trust/identity.ts';

const now = Date.UTC(2026, 6, 1);
let folder: string;
let keyPath: string;
let certificatePath: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-'));
  keyPath = join(folder, 'identity-key.pem');
  certificatePath = join(folder, 'identity-certificate.pem');
});
afterEach(() => rm(folder, { recursive: true }));

describe('a first start', () => {
  test('makes a key that only its user can read, in a folder of its own', async () => {
    const state = join(folder, 'home', 'state');
    await loadIdentity(state, { now });
    expect((await stat(join(state, 'identity-key.pem'))).mode & 0o777).toBe(0o600);
    expect((await stat(state)).mode & 0o777).toBe(0o700);
    expect((await readdir(state)).toSorted()).toEqual(['identity-certificate.pem', 'identity-key.pem']);
  });

  test('gives an id, host name and certificate of that key', async () => {
    const identity = await loadIdentity(folder, { now });
    const certificate = new X509Certificate(identity.certificatePem);
    expect(identity.id).toBe(deviceIdOf(certificate.publicKey.export({ type: 'spki', format: 'der' })));
    expect(identity.hostName).toBe(hostNameOf(identity.id));
    for (const host of [1, 2, mostHostNames].map((attempt) => nthHostName(identity.hostName, attempt)))
      expect(certificate.checkHost(host)).toBe(host);
    expect(createPublicKey(identity.keyPem).equals(certificate.publicKey)).toBe(true);
  });

  test('of several processes at once ends with one identity', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => loadIdentity(folder, { now })));
    expect(new Set(all.map(({ keyPem, certificatePem }) => keyPem + certificatePem)).size).toBe(1);
    expect(await readFile(keyPath, 'utf8')).toBe(all[0]?.keyPem);
    expect((await readdir(folder)).length).toBe(2);
  });
});

describe('a later start', () => {
  test('finds the same key and certificate', async () => {
    const first = await loadIdentity(folder, { now });
    expect(await loadIdentity(folder, { now: now + 1 })).toEqual(first);
  });

  test.each([
    ['missing', () => rm(certificatePath)],
    ['broken', () => writeFile(certificatePath, 'nonsense')],
    [
      'of another key',
      async () => {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
        await writeFile(certificatePath, makeCertificate({ key: privateKey, hostNames: ['nh-abcdefgh.local'], now }));
      },
    ],
    [
      'of the usual host name alone',
      async () => {
        const key = createPrivateKey(await readFile(keyPath));
        const id = deviceIdOf(createPublicKey(key).export({ type: 'spki', format: 'der' }));
        await writeFile(certificatePath, makeCertificate({ key, hostNames: [hostNameOf(id)], now }));
      },
    ],
  ])('remakes a certificate that is %s, and stays the same device', async (_, spoil) => {
    const first = await loadIdentity(folder, { now });
    await spoil();
    const second = await loadIdentity(folder, { now });
    expect(second.id).toBe(first.id);
    expect(second.keyPem).toBe(first.keyPem);
    expect(second.certificatePem).not.toBe(first.certificatePem);
    expect(await readFile(certificatePath, 'utf8')).toBe(second.certificatePem);
  });

  test('remakes a certificate that has run out', async () => {
    const first = await loadIdentity(folder, { now });
    const second = await loadIdentity(folder, { now: Date.UTC(2047, 0, 1) });
    expect(second.id).toBe(first.id);
    expect(Date.parse(new X509Certificate(second.certificatePem).validTo)).toBe(Date.UTC(2067, 0, 1));
  });
});

describe.skipIf(process.platform === 'win32')('a key in the reach of others', () => {
  test.each([0o640, 0o604, 0o620, 0o666])('is refused with the mode %o', async (mode) => {
    await loadIdentity(folder, { now });
    await chmod(keyPath, mode);
    await expect(loadIdentity(folder, { now })).rejects.toMatchObject({ code: 'key-exposed' });
  });

  test.each([0o770, 0o707, 0o722])('is refused in a folder with the mode %o', async (mode) => {
    await loadIdentity(folder, { now });
    await chmod(folder, mode);
    await expect(loadIdentity(folder, { now })).rejects.toMatchObject({ code: 'key-exposed' });
  });

  test('is taken from a folder that others can only read', async () => {
    await chmod(folder, 0o755);
    await expect(loadIdentity(folder, { now })).resolves.toBeDefined();
  });

  test('is refused where it belongs to somebody else', () => {
    expect(exposureOf({ mode: 0o100600, uid: 1001 }, 'file', 1000)).toContain('another user');
    expect(exposureOf({ mode: 0o40700, uid: 0 }, 'folder', 1000)).toContain('another user');
    expect(exposureOf({ mode: 0o100600, uid: 1000 }, 'file', 1000)).toBeUndefined();
    expect(exposureOf({ mode: 0o100666, uid: 0 }, 'file', undefined)).toBeUndefined();
  });
});

describe('a key file that cannot be used', () => {
  const other = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

  test.each([
    ['empty', ''],
    ['cut off', '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n'],
    ['of another kind', other],
    ['huge', 'x'.repeat(20_000)],
  ])('is an error that names it where it is %s, and is left as it was', async (_, content) => {
    await writeFile(keyPath, content, { mode: 0o600 });
    const failure = await loadIdentity(folder, { now }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'key-invalid' });
    expect((failure as Error).message).toContain(keyPath);
    expect(await readFile(keyPath, 'utf8')).toBe(content);
  });

  test.skipIf(process.platform === 'win32')('is refused where it is a link', async () => {
    await loadIdentity(folder, { now });
    const elsewhere = join(folder, 'elsewhere.pem');
    await writeFile(elsewhere, await readFile(keyPath), { mode: 0o600 });
    await rm(keyPath);
    await symlink(elsewhere, keyPath);
    await expect(loadIdentity(folder, { now })).rejects.toMatchObject({ code: 'key-invalid' });
  });
});

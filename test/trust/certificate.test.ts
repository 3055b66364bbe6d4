import { generateKeyPairSync, X509Certificate, createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { DeviceId } from '../../protocol/ids.ts';
import { base32 } from '../../agent/base/random-id.ts';
import { deviceIdOf, makeCertificate } from '../../agent/trust/certificate.ts';

const hostName = 'nh-abcdefgh.local';
const now = Date.UTC(2026, 6, 1);

function made(at = now): { pem: string; certificate: X509Certificate; key: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pem = makeCertificate({ key: privateKey, hostNames: [hostName, 'nh-abcdefgh-2.local'], now: at });
  return {
    pem,
    certificate: new X509Certificate(pem),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

describe('the certificate', () => {
  test('is read by node with the names, uses and dates that were asked for', () => {
    const { certificate } = made();
    expect(certificate.subject).toBe('CN=nethood');
    expect(certificate.issuer).toBe('CN=nethood');
    expect(certificate.subjectAltName).toBe(`DNS:${hostName}, DNS:nh-abcdefgh-2.local`);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    expect(Date.parse(certificate.validFrom)).toBe(Date.UTC(2024, 0, 1));
    expect(Date.parse(certificate.validTo)).toBe(Date.UTC(2046, 6, 1));
    expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('is signed by its own key', () => {
    const { certificate } = made();
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(made().certificate.verify(certificate.publicKey)).toBe(false);
  });

  test('marks basicConstraints and keyUsage as critical, and allows digitalSignature alone', () => {
    const raw = made().certificate.raw.toString('hex');
    // SEQUENCE { OID 2.5.29.19, TRUE, OCTET STRING { SEQUENCE {} } }
    expect(raw).toContain('300c0603551d130101ff04023000');
    // SEQUENCE { OID 2.5.29.15, TRUE, OCTET STRING { BIT STRING, 7 unused, 1 } }
    expect(raw).toContain('300e0603551d0f0101ff040403020780');
  });

  test('says dates from 2050 on as GeneralizedTime', () => {
    const { certificate } = made(Date.UTC(2035, 1, 3, 4, 5, 6));
    expect(Date.parse(certificate.validTo)).toBe(Date.UTC(2055, 1, 3, 4, 5, 6));
    expect(certificate.raw.includes('20550203040506Z')).toBe(true);
  });

  test('made while the clock stood in 1970 is valid today', () => {
    expect(Date.parse(made(0).certificate.validTo)).toBe(Date.UTC(2044, 0, 1));
  });

  test('serves both sides of a handshake that verifies it as its own authority', async () => {
    const here = made();
    const there = made();
    const server = createServer({
      key: here.key,
      cert: here.pem,
      ca: [there.pem],
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, servername: hostName, ca: [here.pem], key: there.key, cert: there.pem });
    await once(client, 'secureConnect');
    const [socket] = await accepted;
    expect(client.authorized).toBe(true);
    expect(socket.authorized).toBe(true);
    client.destroy();
    socket.destroy();
    server.close();
  });
});

describe('deviceIdOf', () => {
  test('is the base32 of the SHA-256 of the public key, whatever the certificate', () => {
    const { certificate } = made();
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    const id = deviceIdOf(spki);
    expect(DeviceId.safeParse(id).success).toBe(true);
    expect(id).toBe(base32(createHash('sha256').update(spki).digest()));
  });
});

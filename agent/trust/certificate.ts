/**
 * Our self-signed certificate (RFC 5280), written by a small DER encoder (X.690): node:crypto makes keys and signatures
 * but no certificates, and no external program is asked for. It names neither user nor host, because whoever connects
 * can read it. One key, one certificate: the same for agents (server and client) and for foreign print systems.
 */
import { createHash, createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import { DeviceId } from '../../protocol/ids.ts';
import { base32 } from '../base/random-id.ts';

/** A device is its public key: the certificate around it can be remade without being somebody else. `spkiDer` is a SubjectPublicKeyInfo (RFC 5280 4.1.2.7). */
export function deviceIdOf(spkiDer: Buffer): DeviceId {
  return DeviceId.parse(base32(createHash('sha256').update(spkiDer).digest()));
}

interface CertificateInput {
  /** ECDSA P-256. */
  readonly key: KeyObject;
  /** The SANs, the usual one first. */
  readonly hostNames: readonly string[];
  /** Wall-clock milliseconds. */
  readonly now: number;
}

/** A date before any installation: a clock that runs behind never meets a certificate "not yet valid", and nobody learns when this device was set up. */
const notBefore = Date.UTC(2024, 0, 1);
const validYears = 20;

const oid = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  dnsName: 0x82,
  explicit0: 0xa0,
  explicit3: 0xa3,
} as const;

/** As PEM. Valid from 2024 until 20 years after `now`. */
export function makeCertificate({ key, hostNames, now }: CertificateInput): string {
  const algorithm = sequence(objectId(oid.ecdsaWithSha256));
  const name = sequence(der(tag.set, sequence(objectId(oid.commonName), der(tag.utf8String, Buffer.from('nethood')))));
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const body = sequence(
    der(tag.explicit0, integer(Buffer.from([2]))),
    serialNumber(),
    algorithm,
    name,
    validity(now),
    name,
    spki,
    der(tag.explicit3, extensions(hostNames)),
  );
  const signature = sign('sha256', body, key);
  return pem(sequence(body, algorithm, bitString(signature, 0)));
}

/** 20 octets at most, positive (RFC 5280 4.1.2.2); random, so that no two certificates of one key are confused. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return integer(bytes);
}

function validity(now: number): Buffer {
  const end = new Date(Math.max(now, notBefore));
  end.setUTCFullYear(end.getUTCFullYear() + validYears);
  return sequence(time(new Date(notBefore)), time(end));
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? der(tag.utcTime, Buffer.from(digits.slice(2)))
    : der(tag.generalizedTime, Buffer.from(digits));
}

function extensions(hostNames: readonly string[]): Buffer {
  const critical = der(tag.boolean, Buffer.from([0xff]));
  const extension = (id: string, value: Buffer, ...flags: Buffer[]): Buffer =>
    sequence(objectId(id), ...flags, der(tag.octetString, value));
  const names = hostNames.map((hostName) => der(tag.dnsName, Buffer.from(hostName, 'ascii')));
  return sequence(
    // cA is FALSE by default and DER leaves defaults out: an empty sequence.
    extension(oid.basicConstraints, sequence(), critical),
    // digitalSignature is bit 0 (RFC 5280 4.2.1.3).
    extension(oid.keyUsage, bitString(Buffer.from([0x80]), 7), critical),
    extension(oid.extendedKeyUsage, sequence(objectId(oid.serverAuth), objectId(oid.clientAuth))),
    extension(oid.subjectAltName, sequence(...names)),
  );
}

function der(type: number, ...content: readonly Buffer[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([type]), lengthOctets(length), ...content]);
}

/** X.690 8.1.3: one octet below 128, else their count and the length's own octets. */
function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>= 8) octets.unshift(rest & 0xff);
  return Buffer.from([0x80 | octets.length, ...octets]);
}

function sequence(...content: readonly Buffer[]): Buffer {
  return der(tag.sequence, ...content);
}

/** `bytes` big-endian, positive, no needless zero in front. */
function integer(bytes: Buffer): Buffer {
  return der(tag.integer, bytes);
}

function bitString(bytes: Buffer, unusedBits: number): Buffer {
  return der(tag.bitString, Buffer.from([unusedBits]), bytes);
}

/** X.690 8.19: the first two arcs in one number, each number in base 128, all but its last octet marked. */
function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return der(tag.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

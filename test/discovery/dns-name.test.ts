import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBytes, addressText } from '../../agent/discovery/dns-address.ts';
import { dataBytes, dataKey } from '../../agent/discovery/dns-data.ts';
import { isDnsName, nameKey, nameText, sameName } from '../../agent/discovery/dns-name.ts';
import type { DnsName } from '../../agent/discovery/dns-types.ts';
import { anyName } from './dns-support.ts';

function folded(name: DnsName): string {
  return JSON.stringify(name.map((label) => label.replace(/[A-Z]/g, (letter) => letter.toLowerCase())));
}

function ipv6Bytes(text: string): Uint8Array {
  return addressBytes(text, 'AAAA') ?? new Uint8Array();
}

describe('names', () => {
  test('are the same without regard to ASCII case, and to no other', () => {
    expect(sameName(['Ann', 'LOCAL'], ['ann', 'local'])).toBe(true);
    expect(sameName(['Ä'], ['ä'])).toBe(false);
    expect(sameName(['\u212a'], ['k'])).toBe(false);
    expect(sameName(['a', 'b'], ['a'])).toBe(false);
  });

  test('a dot inside of a label is no border', () => {
    expect(sameName(['a.b'], ['a', 'b'])).toBe(false);
    expect(sameName(['a\\', 'b'], ['a\\.b'])).toBe(false);
    expect(nameText(['Dr. A\\B', 'local'])).toBe('Dr\\. A\\\\B.local');
  });

  test('have one key each', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        expect(nameKey(a) === nameKey(b)).toBe(folded(a) === folded(b));
      }),
      { numRuns: 300 },
    );
  });

  test('have labels of 1 to 63 bytes of UTF-8, 256 in all', () => {
    expect(isDnsName([])).toBe(true);
    expect(isDnsName(['ü'.repeat(31)])).toBe(true);
    expect(isDnsName(['ü'.repeat(32)])).toBe(false);
    expect(isDnsName([''])).toBe(false);
    expect(isDnsName(['\udc00'])).toBe(false);
    expect(isDnsName(Array<string>(127).fill('a'))).toBe(true);
    expect(isDnsName(Array<string>(128).fill('a'))).toBe(false);
  });
});

describe('addresses', () => {
  test('are written as RFC 5952 wants', () => {
    const cases: Record<string, string> = {
      '::': '::',
      '::1': '::1',
      'FE80:0:0:0:0:0:0:1': 'fe80::1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0',
      '::ffff:10.0.0.1': '::ffff:a00:1',
      'fe80::': 'fe80::',
    };
    for (const [given, text] of Object.entries(cases)) expect(addressText(ipv6Bytes(given))).toBe(text);
  });

  test('come back as the bytes they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(addressBytes(addressText(bytes), 'AAAA')).toEqual(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        expect(addressBytes(text, 'AAAA')).toHaveLength(16);
      }),
    );
    expect(addressBytes('10.0.0.255', 'A')).toEqual(Uint8Array.of(10, 0, 0, 255));
  });

  test('of the wrong family, or with a zone, are none', () => {
    expect(addressBytes('::1', 'A')).toBeUndefined();
    expect(addressBytes('10.0.0.1', 'AAAA')).toBeUndefined();
    expect(addressBytes('fe80::1%eth0', 'AAAA')).toBeUndefined();
  });
});

describe('data', () => {
  test('are the same where only the case of a name differs', () => {
    const srv = { type: 'SRV', priority: 0, weight: 0, port: 1, target: ['A', 'local'] } as const;
    expect(dataKey(srv)).toBe(dataKey({ ...srv, target: ['a', 'LOCAL'] }));
    expect(dataKey(srv)).not.toBe(dataKey({ ...srv, port: 2 }));
  });

  test('have uncompressed bytes for the tie-break', () => {
    const srv = { type: 'SRV', priority: 1, weight: 2, port: 0x1234, target: ['a', 'local'] } as const;
    expect(Buffer.from(dataBytes(srv)).toString('hex')).toBe('0001000212340161056c6f63616c00');
    expect(dataBytes({ type: 'TXT', strings: [] })).toEqual(Buffer.from([0]));
    const nsec = { type: 'NSEC', next: ['a'], types: [1, 28] } as const;
    expect(Buffer.from(dataBytes(nsec)).toString('hex')).toBe('016100000440000008');
  });
});

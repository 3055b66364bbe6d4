import { assert, ipV6, oneof, property, string, stringMatching } from 'fast-check';
import { isIPv6 } from 'node:net';
import { describe, expect, test } from 'vitest';
import { hostOf, plainAddress, shownAddress } from '../../agent/peers/host-header.ts';

describe('hostOf', () => {
  test.each([
    ['nh-abcdefgh.local', 'nh-abcdefgh.local'],
    ['NH-abcdefgh.local.:6632', 'nh-abcdefgh.local'],
    ['10.0.0.1:6632', '10.0.0.1'],
    ['[::1]:6632', '::1'],
    ['[FE80:0::0001%25wlan0]:6632', 'fe80::1'],
    ['[fe80::1%wlan0]', 'fe80::1'],
    ['fe80::1%wlan0', 'fe80::1'],
    ['[::ffff:10.0.0.1]:1', '10.0.0.1'],
    ['', undefined],
    [':6632', undefined],
    ['user@10.0.0.1', undefined],
    ['10.0.0.1/x', undefined],
    ['10.0.0.1:66322222', undefined],
    ['a b', undefined],
    ['[fe80::1', undefined],
    ['[fe80::zz]', undefined],
    ['[10.0.0.1]', undefined],
  ])('of "%s" is %s', (field, host) => {
    expect(hostOf(field)).toBe(host);
  });

  test('never throws, and never gives more than a name', () => {
    assert(
      property(oneof(string(), stringMatching(/^\[?[0-9a-f:.%\]]*$/)), (field) => {
        const host = hostOf(field);
        expect(host === undefined || isIPv6(host) || /^[^\s:@/?#[\]]*$/.test(host)).toBe(true);
      }),
    );
  });
});

describe('addresses as text', () => {
  test('are the same text for the same address', () => {
    expect(plainAddress('::ffff:192.168.1.7')).toBe('192.168.1.7');
    expect(plainAddress('FE80::0:1%eth0')).toBe('fe80::1');
    expect(plainAddress('192.168.1.7')).toBe('192.168.1.7');
  });

  test('keep the zone where people or a dial need it', () => {
    expect(shownAddress('fe80::1%eth0')).toBe('fe80::1%eth0');
    expect(shownAddress('::ffff:192.168.1.7')).toBe('192.168.1.7');
    expect(shownAddress(undefined)).toBe('');
  });

  test('read twice are the same as read once', () => {
    assert(
      property(ipV6(), (address) => {
        expect(plainAddress(plainAddress(address))).toBe(plainAddress(address));
      }),
    );
  });
});

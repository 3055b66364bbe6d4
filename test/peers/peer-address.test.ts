import { describe, expect, it } from 'vitest';
import {
  addressFromText,
  addressText,
  hostHeader,
  mayBeDialled,
  parseHostAndPort,
} from '../../agent/peers/peer-address.ts';

describe('an address typed by hand', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7', undefined, 6631],
    ['10.0.0.7:7001', '10.0.0.7', undefined, 7001],
    [' pc7.office.example ', 'pc7.office.example', undefined, 6631],
    ['nh-k3q7x2mf.local:6641', 'nh-k3q7x2mf.local', undefined, 6641],
    ['fe80::1%eth0', 'fe80::1', 'eth0', 6631],
    ['[fe80::1%eth0]:6641', 'fe80::1', 'eth0', 6641],
    ['[fd00::7]', 'fd00::7', undefined, 6631],
    ['fd00::7', 'fd00::7', undefined, 6631],
    ['::ffff:10.0.0.7', '::ffff:10.0.0.7', undefined, 6631],
    ['bücher.example', 'bücher.example', undefined, 6631],
  ])('%s', (text, host, zone, port) => {
    expect(parseHostAndPort(text)).toEqual({ host, zone, port });
  });

  it.each([
    '',
    ' ',
    ':6631',
    'pc:0',
    'pc:65536',
    'pc:x',
    '[10.0.0.1]:1',
    'http://pc',
    'a b',
    '[fe80::1',
    '1:2:3',
    'pc/7',
    '[pc]:1',
  ])('%j is none', (text) => {
    expect(() => parseHostAndPort(text)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('an address as text', () => {
  it('goes there and back with its zone', () => {
    for (const text of ['10.0.0.7', 'fd00::7', 'fe80::1%eth0']) expect(addressText(addressFromText(text))).toBe(text);
  });

  it('is bracketed for Host where it is IPv6, without zone', () => {
    expect(hostHeader({ address: '10.0.0.7' }, 6631)).toBe('10.0.0.7:6631');
    expect(hostHeader({ address: 'fe80::1', zone: 'eth0' }, 6631)).toBe('[fe80::1]:6631');
  });
});

it('rumours may not point at this host, at groups, or at nothing', () => {
  const allowed = ['10.0.0.1', '192.168.1.9', '169.254.3.4', 'fe80::1', 'fd00::1', '2001:db8::1'];
  const refused = [
    '0.0.0.0',
    '127.0.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '224.0.0.251',
    '239.1.1.1',
    '255.255.255.255',
  ];
  const refused6 = ['::', '::1', 'ff02::fb', '::ffff:127.0.0.1', 'fd00:ec2::254', 'pc7', ''];
  expect(allowed.filter((address) => !mayBeDialled({ address }))).toEqual([]);
  expect([...refused, ...refused6].filter((address) => mayBeDialled({ address }))).toEqual([]);
});

it('rumours may point at loopback where that is the only card, and at nothing else of this host', () => {
  const all = ['127.0.0.1', '::1', '10.0.0.1', '0.0.0.0', '224.0.0.251', '::', 'ff02::fb'];
  const allowed = all.filter((address) => mayBeDialled({ address }, true));
  expect(allowed).toEqual(['127.0.0.1', '::1', '10.0.0.1']);
});

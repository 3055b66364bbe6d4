import type { NetworkInterfaceInfo } from 'node:os';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { watchCards } from '../../agent/discovery/card-watcher.ts';
import {
  type CardRules,
  chooseCards,
  judgeCards,
  linkTest,
  parseNetwork,
  type SystemCards,
  unmapped,
} from '../../agent/discovery/cards.ts';

const noRules: CardRules = { use: [], ignore: [], networks: [] };
const mac = '52:54:00:12:34:56';

function v4(address: string, prefix = 24, over: Partial<NetworkInterfaceInfo> = {}): NetworkInterfaceInfo {
  return {
    address,
    netmask: '',
    family: 'IPv4',
    mac,
    internal: false,
    cidr: `${address}/${prefix}`,
    ...over,
  } as NetworkInterfaceInfo;
}
function v6(address: string, prefix = 64, scopeid = 0): NetworkInterfaceInfo {
  return { address, netmask: '', family: 'IPv6', mac, internal: false, cidr: `${address}/${prefix}`, scopeid };
}
const lo = [v4('127.0.0.1', 8, { internal: true, mac: '00:00:00:00:00:00' })];

function chosen(system: SystemCards, rules: Partial<CardRules> = {}): string[] {
  return chooseCards(system, { ...noRules, ...rules }, 'linux').map(({ name }) => name);
}

function verdicts(system: SystemCards): string[] {
  return judgeCards(system, { use: ['tun1'], ignore: ['eth2'], networks: [] }, 'linux').map(
    ({ card, used, verdict }) => `${used ? '+' : '-'}${card.name} ${verdict}`,
  );
}

describe('the choice of cards', () => {
  test('takes every ordinary card, wired or not', () => {
    expect(
      chosen({
        lo,
        eth0: [v4('10.0.0.5')],
        wlp3s0: [v4('10.1.0.5')],
        'Wi-Fi': [v4('10.2.0.5')],
        en0: [v4('10.3.0.5')],
        br0: [v4('10.4.0.5')],
      }),
    ).toEqual(['eth0', 'wlp3s0', 'Wi-Fi', 'en0', 'br0']);
  });

  test.each([
    'docker0',
    'br-0123456789ab',
    'veth12ab34c',
    'virbr0',
    'vmnet8',
    'vboxnet0',
    'podman1',
    'lxdbr0',
    'cni0',
    'tun0',
    'tap1',
    'wg0',
    'ppp0',
    'utun3',
    'tailscale0',
    'zt7nnig26',
    'awdl0',
    'bridge100',
    'vEthernet (WSL (Hyper-V firewall))',
    'vEthernet (Default Switch)',
    'VirtualBox Host-Only Network',
  ])('leaves %s alone, beside others and by itself', (name) => {
    expect(chosen({ lo, [name]: [v4('172.17.0.1', 16)], eth0: [v4('10.0.0.5')] })).toEqual(['eth0']);
    expect(chosen({ lo, [name]: [v4('172.17.0.1', 16)] })).toEqual(['lo']);
  });

  test('an external switch of Hyper-V carries the LAN and is used', () => {
    expect(chosen({ 'vEthernet (External)': [v4('10.0.0.5')] })).toEqual(['vEthernet (External)']);
  });

  test('a veth pair named eth0, as containers have it, is an ordinary card', () => {
    expect(chosen({ lo, eth0: [v4('10.77.0.1')], eth1: [v4('10.78.0.1')] })).toEqual(['eth0', 'eth1']);
  });

  test('leaves lines to one other machine and cards without a hardware address alone, whatever they are called', () => {
    expect(
      chosen({
        lo,
        vpn7: [v4('10.8.0.2', 32)],
        line: [v4('10.9.0.2', 31)],
        office: [v4('10.9.0.2', 24, { mac: '00:00:00:00:00:00' })],
      }),
    ).toEqual(['lo']);
    expect(chosen({ lo, 'Ethernet 4': [v4('192.168.56.1', 24, { mac: '0a:00:27:00:00:0b' })] })).toEqual(['lo']);
  });

  test('the configuration overrules every rule, and ignore goes before use', () => {
    const system = { lo, tun0: [v4('10.8.0.2', 32)], eth0: [v4('10.0.0.5')] };
    expect(chosen(system, { use: ['tun0', 'lo'] })).toEqual(['lo', 'tun0', 'eth0']);
    expect(chosen(system, { ignore: ['eth0'] })).toEqual(['lo']);
    expect(chosen(system, { use: ['eth0'], ignore: ['eth0'] })).toEqual(['lo']);
    expect(chosen({ lo }, { ignore: ['lo'] })).toEqual([]);
  });

  test('gives a reason for each card, used or not', () => {
    const system = {
      lo,
      eth0: [v4('10.0.0.5')],
      eth1: [],
      eth2: [v4('10.2.0.5')],
      docker0: [v4('172.17.0.1', 16)],
      tun0: [v4('10.8.0.2', 32)],
      tun1: [v4('10.8.1.2', 32)],
      vpn7: [v4('10.9.0.2', 31)],
      soft: [v4('10.9.0.2', 24, { mac: '00:00:00:00:00:00' })],
    };
    expect(verdicts(system)).toEqual([
      '-lo loopback',
      '+eth0 ordinary',
      '-eth1 no-address',
      '-eth2 ignored',
      '-docker0 virtual',
      '-tun0 tunnel',
      '+tun1 wanted',
      '-vpn7 point-to-point',
      '-soft no-hardware',
    ]);
    expect(verdicts({ lo, eth2: system.eth2 })).toEqual(['+lo last-resort', '-eth2 ignored']);
  });

  test('addresses come IPv4 first, link-local ones with the zone of this system', () => {
    const system = { eth0: [v6('fe80::1', 64, 7), v6('fd00::5'), v4('10.0.0.5')] };
    expect(chooseCards(system, noRules, 'linux')[0]?.addresses).toEqual([
      { address: '10.0.0.5', family: 4, prefix: 24 },
      { address: 'fd00::5', family: 6, prefix: 64 },
      { address: 'fe80::1', family: 6, prefix: 64, zone: 'eth0' },
    ]);
    expect(chooseCards(system, noRules, 'win32')[0]?.addresses[2]?.zone).toBe('7');
  });
});

describe('who is on-link', () => {
  const cards = chooseCards(
    { lo, eth0: [v4('10.77.0.1'), v6('fd77::1'), v6('fe80::1', 64, 2)], docker0: [v4('172.17.0.1', 16)] },
    noRules,
    'linux',
  );
  const onLink = linkTest(cards, ['10.20.0.0/16', 'fd20::/32', 'nonsense', '10.0.0.0/99']);

  test.each([
    '10.77.0.1',
    '10.77.0.254',
    '::ffff:10.77.0.9',
    '::ffff:a4d:9',
    '::FFFF:10.77.0.9',
    'fd77::abcd',
    'fe80::2%eth0',
    'fe80::2',
    'febf::1',
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '::ffff:127.0.0.1',
    '10.20.255.1',
    'fd20:0:1::1',
  ])('%s is', (address) => {
    expect(onLink(address)).toBe(true);
  });

  test.each([
    '10.78.0.1',
    '172.17.0.2',
    '8.8.8.8',
    '::ffff:8.8.8.8',
    'fd78::1',
    '2001:db8::1',
    'fe80::2%docker0',
    'fec0::1',
    '',
    'eth0',
    '10.77.0',
    '10.77.0.1.5',
    '::ffff:8.8.8.8%eth0',
  ])('%s is not', (address) => {
    expect(onLink(address)).toBe(false);
  });

  test('without cards only this PC is', () => {
    expect(linkTest([], [])('127.0.0.1')).toBe(true);
    expect(linkTest([], [])('10.77.0.1')).toBe(false);
  });

  test('mapped addresses become IPv4, others stay', () => {
    expect(unmapped('::ffff:0a4d:0001')).toBe('10.77.0.1');
    expect(unmapped('fd77::1')).toBe('fd77::1');
  });

  test('a prefix is an address and a length that fits it', () => {
    expect(parseNetwork('10.0.0.0/8')).toEqual({ address: '10.0.0.0', family: 4, prefix: 8 });
    for (const text of ['10.0.0.0/33', '10.0.0.0', '10.0.0/8', 'fd00::/129', 'fd00::/', '/8', '10.0.0.0/8/8x'])
      expect(parseNetwork(text), text).toBeUndefined();
  });
});

describe('watching', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('tells a new address within two seconds, once, and counts it as on-link', () => {
    let system: SystemCards = { eth0: [v4('10.0.0.5')] };
    using watcher = watchCards({
      clock: systemClock,
      log: silentLog,
      rules: () => noRules,
      read: () => system,
      platform: 'linux',
    });
    const heard: unknown[] = [];
    watcher.events.on('changed', (cards) => heard.push(cards[0]?.addresses[0]?.address));
    vi.advanceTimersByTime(10_000);
    expect(heard).toEqual([]);
    system = { eth0: [v4('10.9.0.5')] };
    vi.advanceTimersByTime(2_000);
    expect(heard).toEqual(['10.9.0.5']);
    expect([watcher.onLink('10.9.0.7'), watcher.onLink('10.0.0.7')]).toEqual([true, false]);
  });

  test('whoever calls by an address that is newer than the last look is on-link, and all are told', async () => {
    let system: SystemCards = { lo, eth0: [v4('10.0.0.7')] };
    using watcher = watchCards({ clock: systemClock, log: silentLog, rules: () => noRules, read: () => system });
    const told: string[] = [];
    watcher.events.on('changed', (cards) => told.push(cards.map(({ name }) => name).join()));
    vi.advanceTimersByTime(200);
    system = { lo, eth0: [v4('10.9.0.7')] };
    expect([watcher.onLink('10.9.0.8'), watcher.onLink('10.0.0.8')]).toEqual([true, false]);
    await Promise.resolve();
    expect(told).toHaveLength(1);
  });

  test('takes new rules at the next look', () => {
    let rules = noRules;
    using watcher = watchCards({
      clock: systemClock,
      log: silentLog,
      rules: () => rules,
      read: () => ({ lo, eth0: [v4('10.0.0.5')] }),
      platform: 'linux',
    });
    rules = { ...noRules, ignore: ['eth0'], networks: ['10.50.0.0/16'] };
    watcher.look();
    expect(watcher.cards.map(({ name }) => name)).toEqual(['lo']);
    expect(watcher.onLink('10.50.1.1')).toBe(true);
  });

  test('notices that the PC slept, by the clock on the wall', () => {
    using watcher = watchCards({ clock: systemClock, log: silentLog, rules: () => noRules, read: () => ({}) });
    let woke = 0;
    watcher.events.on('woke', () => woke++);
    vi.advanceTimersByTime(60_000);
    expect(woke).toBe(0);
    // Timers and the monotonic clock stand still in sleep; the wall clock does not.
    vi.setSystemTime(Date.now() + 15_000);
    vi.advanceTimersByTime(2_000);
    expect(woke).toBe(1);
    vi.advanceTimersByTime(20_000);
    expect(woke).toBe(1);
  });

  test('ends with its disposal', () => {
    const watcher = watchCards({ clock: systemClock, log: silentLog, rules: () => noRules, read: () => ({}) });
    watcher[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  });
});

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import type { Announcement } from '../../agent/discovery/discovery.ts';
import type { RawPacket } from '../../agent/discovery/mdns-records.ts';
import { Publisher, type Stage } from '../../agent/discovery/publisher.ts';
import { DeviceId } from '../../protocol/ids.ts';

const hostName = 'nh-k3q7x2mf.local';
let said: string[];
let publisher: Publisher;
let end: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  said = [];
  end = new AbortController();
  const stage: Stage = {
    publish: ({ label, port }) => void said.push(`publish ${label} ${port}`),
    withdraw: async (fqdn, goodbye) =>
      void said.push(`withdraw ${fqdn.split('.')[0]}${goodbye ? ' with goodbye' : ''}`),
    announce: (fqdn) => void said.push(`announce ${fqdn.split('.')[0]}`),
    query: ([question]) => void said.push(`probe ${question?.name.split('.')[0]}`),
  };
  const self = DeviceId.parse('k3q7x2mf'.repeat(7).slice(0, 52));
  publisher = new Publisher({
    self,
    hostName,
    stage,
    clock: systemClock,
    random: () => 0,
    log: silentLog,
    signal: end.signal,
  });
});
afterEach(() => void vi.useRealTimers());

function service(name: string, over: Partial<Announcement> = {}): Announcement {
  return { name, type: 'nethood', subtypes: [], port: 6631, txt: { v: '1' }, ...over };
}
function srvOf(label: string, target: string, port = 6631, ttl = 120): RawPacket {
  return { answers: [{ name: `${label}._nethood._tcp.local`, type: 'SRV', ttl, data: { target, port } }] };
}
function probeOf(label: string, target: string, port = 6631): RawPacket {
  return { authorities: srvOf(label, target, port).answers ?? [] };
}
/** What was said since the last call, `probe` lines counted. */
function news(): string[] {
  return said.splice(0);
}
async function announced(name: string): Promise<void> {
  const done = publisher.announce([service(name)]);
  await vi.advanceTimersByTimeAsync(750);
  await done;
  news();
}

describe('announcing', () => {
  test('probes three times, 250 ms apart, before it says the name', async () => {
    const done = publisher.announce([service('Ann')]);
    await vi.advanceTimersByTimeAsync(749);
    expect(news()).toEqual(['probe Ann', 'probe Ann', 'probe Ann']);
    await vi.advanceTimersByTimeAsync(1);
    await done;
    expect(news()).toEqual(['publish Ann 6631']);
    expect(publisher.announcedName('Ann')).toBe('Ann');
  });

  test('another list says goodbye to what is gone and leaves the rest alone', async () => {
    await announced('Ann');
    const done = publisher.announce([service('Ann'), service('Laser', { type: 'ipp' })]);
    await vi.advanceTimersByTimeAsync(750);
    await done;
    expect(news()).toEqual(['probe Laser', 'probe Laser', 'probe Laser', 'publish Laser 6631']);
    await publisher.announce([service('Laser', { type: 'ipp' })]);
    expect(news()).toEqual(['withdraw Ann with goodbye']);
  });

  test('another port is said at once, without a goodbye or a probe', async () => {
    await announced('Ann');
    await publisher.announce([service('Ann', { port: 6641 })]);
    expect(news()).toEqual(['withdraw Ann', 'publish Ann 6641']);
    await publisher.announce([service('Ann', { port: 6641 })]);
    expect(news()).toEqual([]);
  });

  test('two own instances never share a name', async () => {
    const done = publisher.announce([service('A.B'), service('A-B')]);
    await vi.advanceTimersByTimeAsync(750);
    await done;
    expect(news().filter((line) => line.startsWith('publish'))).toEqual(['publish A-B (2) 6631', 'publish A-B 6631']);
  });

  test('ends in the middle of a probe when discovery ends', async () => {
    const done = publisher.announce([service('Ann')]);
    await vi.advanceTimersByTimeAsync(300);
    end.abort();
    await done;
    expect(news()).not.toContain('publish Ann 6631');
  });
});

describe('a name that another has', () => {
  test('is left to it: ours gets a number', async () => {
    const done = publisher.announce([service('Ann')]);
    await vi.advanceTimersByTimeAsync(100);
    publisher.heard(srvOf('Ann', 'nh-zzzzzzzz.local'), 'response');
    await vi.advanceTimersByTimeAsync(150);
    publisher.heard(srvOf('ann (2)', 'desk.local'), 'response');
    await vi.advanceTimersByTimeAsync(1_000);
    await done;
    expect(news()).toEqual([
      'probe Ann',
      'probe Ann (2)',
      'probe Ann (3)',
      'probe Ann (3)',
      'probe Ann (3)',
      'publish Ann (3) 6631',
    ]);
    expect(publisher.announcedName('Ann')).toBe('Ann (3)');
  });

  test('regression: our own records, heard by another card, are no conflict', async () => {
    const done = publisher.announce([service('Ann')]);
    publisher.heard(srvOf('Ann', hostName.toUpperCase()), 'response');
    await vi.advanceTimersByTimeAsync(750);
    await done;
    publisher.heard(srvOf('Ann', hostName), 'response');
    expect(news().at(-1)).toBe('publish Ann 6631');
  });

  test('whoever contradicts every name cannot keep us away: the last one carries the id', async () => {
    const done = publisher.announce([service('Ann')]);
    for (let at = 0; at < 40; at++) {
      await vi.advanceTimersByTimeAsync(125);
      for (const label of ['Ann', ...Array.from({ length: 9 }, (_, n) => `Ann (${n + 2})`), 'Ann (k3q7-x2mf)'])
        publisher.heard(srvOf(label, 'zz.local'), 'response');
    }
    await done;
    expect(publisher.announcedName('Ann')).toBe('Ann (k3q7-x2mf)');
    await vi.advanceTimersByTimeAsync(1_000);
    news();
    for (let at = 0; at < 100; at++) publisher.heard(srvOf('Ann (k3q7-x2mf)', 'zz.local'), 'response');
    expect(news()).toEqual(['announce Ann (k3q7-x2mf)']);
  });
});

describe('two that probe for one name at once (RFC 6762 8.2)', () => {
  test('the earlier data waits a second and finds the name taken', async () => {
    const done = publisher.announce([service('Ann')]);
    await vi.advanceTimersByTimeAsync(100);
    publisher.heard(probeOf('Ann', 'nh-zzzzzzzz.local'), 'query');
    await vi.advanceTimersByTimeAsync(1_250);
    publisher.heard(srvOf('Ann', 'nh-zzzzzzzz.local'), 'response');
    await vi.advanceTimersByTimeAsync(1_000);
    await done;
    expect(news().at(-1)).toBe('publish Ann (2) 6631');
  });

  test('the later data goes on', async () => {
    const done = publisher.announce([service('Ann')]);
    await vi.advanceTimersByTimeAsync(100);
    publisher.heard(probeOf('Ann', 'nh-aaaaaaaa.local'), 'query');
    await vi.advanceTimersByTimeAsync(650);
    await done;
    expect(news().at(-1)).toBe('publish Ann 6631');
  });

  test('one that proposes a TXT record too is earlier', async () => {
    const done = publisher.announce([service('Ann')]);
    await vi.advanceTimersByTimeAsync(100);
    const srv = probeOf('Ann', 'nh-zzzzzzzz.local').authorities ?? [];
    const txt = { name: 'Ann._nethood._tcp.local', type: 'TXT', ttl: 120, data: [Buffer.from('a=b')] };
    publisher.heard({ authorities: [...srv, txt] }, 'query');
    await vi.advanceTimersByTimeAsync(650);
    await done;
    expect(news().at(-1)).toBe('publish Ann 6631');
  });
});

describe('an established name', () => {
  test('that another claims too is kept by the later data, and said again once a second at most', async () => {
    await announced('Ann');
    for (let at = 0; at < 5; at++) publisher.heard(srvOf('Ann', 'nh-aaaaaaaa.local'), 'response');
    expect(news()).toEqual(['announce Ann']);
  });

  test('is given up by the earlier data, without a goodbye in the name of the other', async () => {
    await announced('Ann');
    publisher.heard(srvOf('Ann', 'nh-zzzzzzzz.local'), 'response');
    publisher.heard(srvOf('Ann', 'nh-zzzzzzzz.local'), 'response');
    await vi.advanceTimersByTimeAsync(750);
    expect(news()).toEqual(['withdraw Ann', 'probe Ann (2)', 'probe Ann (2)', 'probe Ann (2)', 'publish Ann (2) 6631']);
  });

  test('regression: a goodbye that bonjour-service says for us is contradicted', async () => {
    await announced('Ann');
    const goodbye = { name: '_nethood._tcp.local', type: 'PTR', ttl: 0, data: 'Ann._nethood._tcp.local' };
    publisher.heard({ answers: [goodbye] }, 'response');
    expect(news()).toEqual(['announce Ann']);
  });

  test('is offered to a new card, with a question whether it is free there', async () => {
    await announced('Ann');
    expect(publisher.instances()).toEqual([
      { label: 'Ann', type: 'nethood', subtypes: [], port: 6631, txt: { v: '1' } },
    ]);
    publisher.probeAgain();
    expect(news()).toEqual(['probe Ann']);
  });
});

import { describe, expect, test } from 'vitest';
import { RenameLimit } from '../../agent/discovery/responder-renames.ts';
import type { DnsName } from '../../agent/discovery/dns-types.ts';
import {
  answer,
  ask,
  askUnicast,
  bytes,
  carrying,
  goodbyes,
  isProbe,
  isResponse,
  own,
  query,
  type ResponderHost,
  ResponderLan,
  service,
  srv,
} from '../sim/responder-lan.ts';

const type = ['_nethood', '_tcp', 'local'];

/** A device whose shell takes the next number for a name that it loses. */
class Device {
  readonly host: ResponderHost;
  #hostAttempt = 1;
  #attempt = 1;

  constructor(lan: ResponderLan) {
    this.host = lan.host();
    this.host.onConflict = (name) => {
      if (name.length === 2) this.#hostAttempt++;
      else this.#attempt++;
      this.publish();
    };
  }

  get hostName(): string {
    return this.#hostAttempt === 1 ? 'nh-same' : `nh-same-${this.#hostAttempt}`;
  }

  get label(): string {
    return this.#attempt === 1 ? 'Anna' : `Anna (${this.#attempt})`;
  }

  publish(): void {
    this.host.set(own([service(this.label)], { host: [this.hostName, 'local'], addresses: [this.host.address] }));
  }

  /** Names whose last news was good. */
  get kept(): string[] {
    const news = new Map<string, { at: number; good: boolean }>();
    for (const [list, good] of [
      [this.host.established, true],
      [this.host.conflicts, false],
    ] as const)
      for (const { name, at } of list)
        if ((news.get(name.join('.'))?.at ?? -1) <= at) news.set(name.join('.'), { at, good });
    return Array.from(news)
      .filter(([, { good }]) => good)
      .map(([name]) => name);
  }
}

describe('two who want one name', () => {
  test('started at the same time, exactly one keeps it: 80 times', () => {
    for (let seed = 1; seed <= 80; seed++) {
      const lan = new ResponderLan(seed);
      const devices = [new Device(lan), new Device(lan)];
      for (const device of devices) {
        device.publish();
        // Together, or up to half a second apart.
        lan.run(seed % 3 === 0 ? 0 : lan.random() * 500);
      }
      lan.run(12_000);
      const kept = devices.flatMap((device) => device.kept).toSorted();
      expect(kept, `seed ${seed}`).toEqual([
        'Anna (2)._nethood._tcp.local',
        'Anna._nethood._tcp.local',
        'nh-same-2.local',
        'nh-same.local',
      ]);
      expect(goodbyes(lan.packets)).toEqual([]);
    }
  });

  test('six at once end with six names', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const lan = new ResponderLan(seed);
      const devices = Array.from({ length: 6 }, () => new Device(lan));
      for (const device of devices) device.publish();
      lan.run(60_000);
      expect(new Set(devices.map(({ label }) => label)).size, `seed ${seed}`).toBe(6);
      expect(new Set(devices.flatMap(({ kept }) => kept)).size).toBe(12);
    }
  });

  test('the later one gives way to the one that is there, within a second', () => {
    const lan = new ResponderLan(7);
    const [first, second] = [new Device(lan), new Device(lan)];
    first.publish();
    lan.run(5_000);
    second.publish();
    lan.run(2_500);
    expect([first.label, second.label]).toEqual(['Anna', 'Anna (2)']);
    expect(second.kept).toHaveLength(2);
    expect(first.host.established).toHaveLength(2);
  });

  test('two LANs that become one: one of the two gives way when it hears the other', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const lan = new ResponderLan(seed);
      const devices = [new Device(lan), new Device(lan)];
      lan.passes = () => false;
      for (const device of devices) device.publish();
      lan.run(5_000);
      expect(devices.map(({ label }) => label)).toEqual(['Anna', 'Anna']);
      lan.passes = () => true;
      lan.inject(query([ask('ANY', 'Anna', ...type), ask('A', 'nh-same', 'local')]));
      lan.run(20_000);
      expect(devices.map(({ label }) => label).toSorted(), `seed ${seed}`).toEqual(['Anna', 'Anna (2)']);
      expect(devices.map(({ hostName }) => hostName).toSorted()).toEqual(['nh-same', 'nh-same-2']);
      expect(new Set(devices.flatMap(({ kept }) => kept)).size).toBe(4);
      expect(goodbyes(lan.packets)).toEqual([]);
    }
  });

  test('when one stops, the other stays known', () => {
    const lan = new ResponderLan(3);
    const [first, second] = [new Device(lan), new Device(lan)];
    first.publish();
    second.publish();
    lan.run(10_000);
    const since = lan.now;
    second.host.stop();
    lan.run(1_000);
    const gone = goodbyes(lan.sentBy(second.host, since));
    expect(gone).toHaveLength(4);
    expect(
      gone.every(({ name, data }) =>
        [...name, ...('target' in data ? data.target : [])].every(
          (label) => label !== first.label && label !== first.hostName,
        ),
      ),
    ).toBe(true);
    lan.inject(query([ask('PTR', ...type)]));
    lan.run(200);
    expect(carrying(lan.sentBy(first.host, since), 'PTR', ...type)).toHaveLength(1);
  });

  test('forty devices that start together and are asked for by all use few packets', () => {
    const lan = new ResponderLan(5);
    for (let at = 0; at < 40; at++) {
      const host = lan.host();
      host.set(own([service(`Device ${at}`)], { host: [`nh-${at}`, 'local'], addresses: [host.address] }));
    }
    lan.run(5_000);
    expect(lan.packets).toHaveLength(40 * 5);
    const since = lan.now;
    for (let asker = 0; asker < 40; asker++) {
      lan.inject(query([ask('PTR', ...type)]), { from: `10.0.0.${200 + asker}` });
      lan.run(10);
    }
    lan.run(1_000);
    // One answer of each; with several in between, a second one a second later.
    expect(lan.packets.filter((packet) => packet.at >= since && isResponse(packet)).length).toBeLessThanOrEqual(80);
  });
});

describe('somebody with bad intentions', () => {
  test('who answers every probe costs us at most ten renames and a few packets a minute', () => {
    const lan = new ResponderLan(11);
    const host = lan.host();
    const limit = new RenameLimit();
    let renames = 0;
    const publish = (): void => host.set(own([service(`Anna (${renames})`)]));
    host.onConflict = () => {
      if (!limit.take(lan.now)) return;
      renames++;
      publish();
    };
    lan.listener = (packet) => {
      if (!isProbe(packet) || packet.from !== host.address) return;
      const names: DnsName[] = packet.message.questions.map(({ name }) => name).filter(({ length }) => length > 2);
      if (names.length > 0) lan.inject(answer(names.map((name) => srv([...name], 'evil'))));
    };
    publish();
    lan.run(3_600_000);
    expect(renames).toBe(10);
    expect(lan.sentBy(host).length).toBeLessThan(10 * 5 + 60 * 2 + 10);
    lan.run(3_600_000);
    expect(renames).toBe(20);
    lan.listener = () => {};
    lan.run(120_000);
    expect(carrying(lan.sentBy(host), 'SRV', `Anna (${renames})`, ...type).length).toBeGreaterThan(0);
  });

  test('who probes for ever with the better records ends in a conflict, not in silence', () => {
    const lan = new ResponderLan(12);
    const host = lan.host();
    host.set(own([service('Anna')]));
    const better = query([ask('ANY', 'Anna', ...type)], { authorities: [srv(['Anna', ...type], 'zz', 65_000)] });
    for (let at = 0; at < 100; at++) {
      lan.run(100);
      lan.inject(better);
    }
    expect(host.conflicts.map(({ name }) => name[0])).toEqual(['Anna']);
    expect(lan.sentBy(host).length).toBeLessThan(30);
  });

  test('who probes for ever for an established name is answered four times a second, and changes nothing', () => {
    const lan = new ResponderLan(13);
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(5_000);
    const since = lan.now;
    for (let at = 0; at < 5_000; at++) {
      lan.inject(query([askUnicast('ANY', 'Anna', ...type)], { authorities: [srv(['Anna', ...type], 'zz', 65_000)] }));
      lan.run(2);
    }
    expect(lan.sentBy(host, since).length).toBeLessThanOrEqual(41);
    expect(host.conflicts).toEqual([]);
  });

  test('forged conflicts keep an established name probing, not sending more than a handful of packets a second', () => {
    const lan = new ResponderLan(14);
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(5_000);
    const since = lan.now;
    // The answers to probes are left out: nothing but the contradiction, as often as it counts.
    for (let at = 0; at < 60; at++) {
      lan.inject(answer([srv(['Anna', ...type], 'evil')]));
      lan.run(1_001);
    }
    expect(lan.sentBy(host, since).length / 60).toBeLessThan(7);
  });

  test('a flood of questions from forged senders is answered within bounds', () => {
    const lan = new ResponderLan(15);
    const host = lan.host();
    host.set(own(Array.from({ length: 10 }, (_, at) => service(`Printer ${at}`))));
    lan.run(5_000);
    const sent = { unicast: 0, multicast: 0 };
    const begin = lan.now;
    for (let at = 0; at < 20_000; at++) {
      const from = `10.0.0.${at % 2 ? at % 250 : `${at % 250}.${at}`}`;
      const message = query([askUnicast('PTR', ...type)], { truncated: at % 3 === 0, id: at % 60_000 });
      const now = begin + at / 20;
      for (const effect of host.responder.receive({ message, from, port: at % 5 ? 5_353 : 40_000, now }))
        if (effect.type === 'send') sent[effect.to === undefined ? 'multicast' : 'unicast']++;
    }
    expect(sent.unicast).toBeGreaterThan(100);
    expect(sent.unicast).toBeLessThanOrEqual(400);
    expect(sent.multicast).toBeLessThanOrEqual(4);
  });

  test('a packet of 1,500 questions is answered with one packet', () => {
    const lan = new ResponderLan(16);
    const host = lan.host();
    host.set(own([service('Anna')]));
    lan.run(5_000);
    const questions = Array.from({ length: 1_500 }, (_, at) => ({ ...ask('PTR', ...type), type: at % 400 }));
    const since = lan.now;
    const effects = host.responder.receive({ message: query(questions), from: '10.0.0.9', port: 5_353, now: since });
    expect(effects).toEqual([]);
    lan.run(500);
    expect(lan.sentBy(host, since)).toHaveLength(1);
  });

  test('a reflector that brings our packets back from another LAN is no conflict', () => {
    const lan = new ResponderLan(17);
    const host = lan.host();
    lan.listener = (packet) => {
      if (packet.from === host.address && packet.to === undefined) lan.inject(packet.message, { from: '10.0.0.254' });
    };
    host.set(own([service('Anna')]));
    lan.run(5_000);
    host.set(own([service('Anna', '_nethood', { txt: [bytes('v=2')] })]));
    lan.run(5_000);
    expect(host.conflicts).toEqual([]);
    expect(host.established).toHaveLength(2);
    expect(lan.sentBy(host).filter(isProbe)).toHaveLength(3);
  });
});

// Senders who want our memory, our time, or our neighbours.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { decodeMessage } from '../../agent/discovery/dns-decode.ts';
import { encodeMessage } from '../../agent/discovery/dns-encode.ts';
import { recordTypes } from '../../agent/discovery/dns-types.ts';
import { address, agents, Bench, ptr, query, question, response, seeded, srv, txt, whole } from './querier-support.ts';

const { PTR } = recordTypes;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedHeap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Of the processor, since others may keep it from us. */
function cpuMs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return Math.round((user + system) / 1_000);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function sourceOf(at: number): string {
  return `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;
}

function forged(at: number): ReturnType<typeof whole> {
  return whole(`forged number ${at}`, sourceOf(at));
}

describe('a flood of forged instances', () => {
  test('100,000 whole ones, each from another address, stay within the caps of memory and time', () => {
    const bench = new Bench({ isProtected: ([label]) => label === 'ann' }).browse();
    bench.hear(response(whole('ann')));
    const packets = Array.from({ length: 1_000 }, (_, at) => encodeMessage(response(forged(at))));
    const before = usedHeap();
    const start = process.cpuUsage();
    for (let at = 0; at < 100_000; at++) {
      if (at % 100 === 0) bench.run(bench.now + 10);
      bench.hear(at < 1_000 ? decodeMessage(packets[at] ?? new Uint8Array()) : response(forged(at)), sourceOf(at));
    }
    const ms = cpuMs(start);
    const { instances, records, bytes } = bench.querier.size;
    const heap = usedHeap() - before;
    print(
      `100,000 forged instances: ${ms} ms; kept ${instances}, ${records} records, ` +
        `${Math.round(bytes / 1024)} KiB counted, heap ${Math.round(heap / 1024)} KiB more`,
    );
    expect(instances).toBe(1_000);
    expect(records).toBeLessThanOrEqual(4_000);
    expect(bytes).toBeLessThan(4 * 1024 * 1024);
    expect(ms).toBeLessThan(8_000);
    expect(bench.services.has('ann')).toBe(true);
  });

  test('100,000 of which only the names are told make way for each other, not for whole ones', () => {
    const bench = new Bench().browse();
    bench.hear(response(whole('ann')));
    let questions = 0;
    const start = process.cpuUsage();
    for (let at = 0; at < 100_000; at++) {
      if (at % 10 === 0) bench.run(bench.now + 1);
      bench.hear(response([ptr(`forged ${at}`)]), sourceOf(at));
    }
    for (const sent of bench.takeSent()) questions += sent.questions.length;
    print(`100,000 names in 10 s: ${cpuMs(start)} ms, ${questions} questions`);
    expect(bench.querier.size.instances).toBeLessThanOrEqual(1_000);
    expect(questions).toBeLessThan(6_000);
    bench.hear(response(whole('bob')), '10.200.0.1');
    bench.wait(20_000);
    expect(Array.from(bench.services.keys())).toContain('ann');
    bench.hear(response(whole('eve')), '10.200.0.2');
    expect(Array.from(bench.services.keys())).toContain('eve');
    bench.wait(20_000);
    expect(bench.querier.size.instances).toBeLessThanOrEqual(3);
  });

  test('a name that was just heard keeps its place for a second, so that it can be asked about', () => {
    const bench = new Bench({ caps: { instances: 2, perSource: 64, bytes: 1e6 } }).browse();
    bench.hear(response([ptr('ann'), ptr('bob')]));
    bench.wait(900);
    bench.hear(response([ptr('forged')]), '10.0.0.66');
    bench.hear(response([srv('ann'), txt('ann'), address('nh-ann', '10.0.0.1')]));
    expect(bench.news).toEqual(['+ann']);
    bench.wait(200);
    bench.hear(response(whole('eve')), '10.0.0.67');
    expect(bench.news).toEqual(['+eve']);
    expect(bench.querier.size.instances).toBe(2);
  });

  test('one address has room for 64', () => {
    const bench = new Bench().browse();
    for (let at = 0; at < 1_000; at++) bench.hear(response(forged(at)), '10.0.0.66');
    expect(bench.querier.size.instances).toBe(64);
    bench.hear(response(whole('ann')), '10.0.0.1');
    expect(bench.services.has('ann')).toBe(true);
  });

  test('one whose session stands is not displaced, even where it is not whole', () => {
    const bench = new Bench({ isProtected: ([label]) => label === 'ann' }).browse();
    bench.hear(response([ptr('ann')]));
    for (let at = 0; at < 5_000; at++) {
      bench.run(bench.now + 1);
      bench.hear(response([ptr(`forged ${at}`)]), sourceOf(at));
    }
    bench.hear(response([srv('ann'), txt('ann'), address('nh-ann', '10.0.0.1')]));
    expect(bench.services.has('ann')).toBe(true);
  });

  test('addresses for one host stay few, and its own new one gets in', () => {
    const bench = new Bench().browse();
    bench.hear(response(whole('ann')));
    for (let at = 0; at < 10_000; at++)
      bench.hear(response([address('nh-ann', sourceOf(at), { flush: false })]), '10.0.0.66');
    expect(bench.services.get('ann')?.addresses.length).toBeLessThanOrEqual(16);
    bench.wait(2_000);
    bench.hear(response([address('nh-ann', '10.9.9.9')]));
    bench.wait(1_000);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.9.9.9']);
  });

  test('instances that all name one host cost little', () => {
    const bench = new Bench().browse();
    for (let at = 0; at < 1_000; at++)
      bench.hear(response([ptr(`i${at}`), srv(`i${at}`, { host: 'same' }), txt(`i${at}`)]), sourceOf(at));
    bench.hear(response([address('same', '10.0.0.1')]));
    expect(bench.services.size).toBe(64);
  });

  test('records that say they live a second are not asked for more than once a second', () => {
    const bench = new Bench().browse();
    bench.run(60_000);
    bench.takeSent();
    for (let second = 0; second < 20; second++) {
      for (let at = 0; at < 50; at++) bench.hear(response([ptr(`f${at}`, { ttl: 1 })]), '10.0.0.66');
      bench.wait(1_000);
    }
    const sent = bench.takeSent().filter(({ questions }) => questions.includes('PTR _nethood._tcp.local'));
    expect(sent.length).toBeLessThanOrEqual(21);
  });
});

describe('a flood of questions', () => {
  test('for what we know costs little: 20,000 with 1,000 instances known', () => {
    const bench = new Bench().browse();
    for (let at = 0; at < 1_000; at++) bench.hear(response(forged(at)), sourceOf(at));
    expect(bench.querier.size.instances).toBe(1_000);
    const start = process.cpuUsage();
    for (let at = 0; at < 20_000; at++) {
      if (at % 100 === 0) bench.now += 1;
      bench.hear(query([question(agents, PTR)]), '10.0.0.66');
    }
    const ms = cpuMs(start);
    print(`20,000 questions: ${ms} ms`);
    expect(ms).toBeLessThan(2_000);
  });
});

describe('an office of agents that only listen to each other', () => {
  test('100 queriers started within a second ask less than 20 times a second in all', () => {
    const benches = Array.from({ length: 100 }, (_, at) => new Bench({ random: seeded(at + 1) }));
    const starts = seeded(99);
    const startAt = benches.map(() => starts() * 1_000);
    let packets = 0;
    const step = (bench: Bench, index: number, now: number): void => {
      bench.now = now;
      if (now >= (startAt[index] ?? 0)) bench.browse();
      if (bench.querier.nextAt() <= now) bench.apply(bench.querier.tick(now));
      const others = benches.filter((other) => other !== bench);
      for (const { message } of bench.takeSent()) {
        packets++;
        for (const other of others) other.querier.receive({ message, from: `10.0.1.${index}`, port: 5353, now });
      }
    };
    for (let now = 0; now < 10_000; now++) for (const [index, bench] of benches.entries()) step(bench, index, now);
    print(`100 queriers, 10 s: ${packets} questions`);
    expect(packets).toBeLessThan(200);
  });
});

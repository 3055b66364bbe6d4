// The duties of a querier, on packets, with time by hand (RFC 6762 sections 5 and 7).
import { beforeEach, describe, expect, test } from 'vitest';
import { recordTypes } from '../../agent/discovery/dns-types.ts';
import { address, agents, Bench, ptr, query, question, response, seeded, srv, txt, whole } from './querier-support.ts';

const { A, PTR, SRV, TXT } = recordTypes;
const browseText = 'PTR _nethood._tcp.local';
let bench: Bench;

beforeEach(() => {
  bench = new Bench().browse();
});

/** The office's agents are known, and no question is left open. */
function known(...labels: string[]): void {
  bench.run(20_000);
  for (const label of labels) bench.hear(response(whole(label)));
  bench.takeSent();
  expect(bench.news).toEqual(labels.map((label) => `+${label}`));
}

describe('questions are repeated', () => {
  test('first after 20 to 120 ms, then after 1, 2, 4 … seconds, at last every hour', () => {
    bench.run(4 * 3_600_000);
    const times = bench.takeSent().map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(times[0]).toBeGreaterThanOrEqual(20);
    expect(times[0]).toBeLessThanOrEqual(120);
    expect(gaps[0]).toBeGreaterThanOrEqual(1_000);
    expect(gaps[0]).toBeLessThanOrEqual(1_200);
    for (const [index, gap] of gaps.slice(1).entries())
      expect(gap).toBeCloseTo(Math.min(2 * (gaps[index] ?? 0), 3_600_000), 3);
    expect(gaps.at(-1)).toBeCloseTo(3_600_000, 3);
  });

  test('the wait before the first counts from the reason to ask: whoever loaded for longer asks at once', () => {
    for (const [began, least, most] of [
      [-500, 0, 0],
      [-50, 0, 70],
      [0, 20, 120],
    ] as const) {
      const late = new Bench({ random: seeded(3) });
      late.apply(late.querier.browse(agents, 0, { mayUnicast: false, began }));
      late.run(500);
      const [first, ...more] = late.takeSent();
      expect(more).toEqual([]);
      expect(first?.at).toBeGreaterThanOrEqual(least);
      expect(first?.at).toBeLessThanOrEqual(most);
    }
  });

  test('a lost answer is made up for by the second question', () => {
    bench.run(1_400);
    expect(bench.takeSent()).toHaveLength(2);
    bench.hear(response(whole('ann')));
    expect(bench.news).toEqual(['+ann']);
  });

  test('at different times in different agents', () => {
    const first = [1, 2, 3, 4, 5].map((seed) => new Bench({ random: seeded(seed) }).browse().querier.nextAt());
    expect(new Set(first).size).toBe(5);
  });

  test('the first may be answered by unicast only where that is sure to arrive', () => {
    bench.run(1_500);
    expect(bench.takeSent().map(({ questions }) => questions)).toEqual([[browseText], [browseText]]);
    const alone = new Bench().browse(true);
    alone.run(1_500);
    expect(alone.takeSent().map(({ questions }) => questions)).toEqual([[`${browseText} QU`], [browseText]]);
  });

  test('for two types in one packet', () => {
    const printers = ['_ipp', '_tcp', 'local'];
    bench.apply(bench.querier.browse(printers, 0, { mayUnicast: false }));
    bench.run(10_000);
    const sent = bench.takeSent();
    expect(sent).toHaveLength(4);
    for (const { questions } of sent) expect(questions).toEqual([browseText, 'PTR _ipp._tcp.local']);
  });

  test('browsing the same type again asks nothing more', () => {
    bench.run(500);
    const next = bench.querier.nextAt();
    bench.browse();
    expect(bench.querier.nextAt()).toBe(next);
  });
});

describe('known answers', () => {
  test('are those with more than half their life left, without the cache-flush bit, with what is left of it', () => {
    bench.hear(response([...whole('ann'), ptr('bob', { ttl: 10 })]));
    bench.run(100_000);
    const last = bench.takeSent().findLast(({ questions }) => questions.includes(browseText));
    expect(last?.message.answers).toHaveLength(1);
    const [answer] = last?.message.answers ?? [];
    expect(answer).toMatchObject({ flush: false, data: { type: 'PTR', target: ['ann', ...agents] } });
    expect(answer?.ttl).toBe(4_500 - Math.floor((last?.at ?? 0) / 1_000));
  });

  test('past half their life they are left out, so that they are answered', () => {
    bench.hear(response(whole('ann')));
    bench.run(4_500_000 / 2 + 3_600_000);
    for (const { at, message } of bench.takeSent().filter(({ at: sentAt }) => sentAt > 2_250_000))
      expect([at, message.answers]).toEqual([at, []]);
  });
});

describe('duplicate question suppression', () => {
  test('what another asks shortly before counts as asked', () => {
    bench.run(200);
    bench.takeSent();
    const next = bench.querier.nextAt();
    bench.run(next - 100);
    bench.hear(query([question(agents, PTR)]), '10.0.0.9');
    bench.run(next + 500);
    expect(bench.takeSent()).toEqual([]);
    bench.run(next + 3_000);
    expect(bench.takeSent()).toHaveLength(1);
  });

  test('the first question too, while it waits', () => {
    bench.hear(query([question(agents, PTR)]), '10.0.0.9');
    bench.run(900);
    expect(bench.takeSent()).toEqual([]);
  });

  test('not what was asked long before', () => {
    bench.run(1_900);
    bench.hear(query([question(agents, PTR)]), '10.0.0.9');
    bench.takeSent();
    bench.run(4_000);
    expect(bench.takeSent()).toHaveLength(1);
  });

  test('not where the other knows an answer that we lack', () => {
    bench.run(900);
    bench.hear(query([question(agents, PTR)], { answers: [ptr('bob')] }), '10.0.0.9');
    bench.takeSent();
    bench.run(1_500);
    expect(bench.takeSent()).toHaveLength(1);
  });

  test('where the other knows only what we know', () => {
    bench.hear(response([...whole('ann'), ...whole('bob')]));
    bench.run(900);
    bench.hear(query([question(agents, PTR)], { answers: [ptr('bob')] }), '10.0.0.9');
    bench.takeSent();
    bench.run(1_500);
    expect(bench.takeSent()).toEqual([]);
  });

  test('not where the second packet of its list has an answer that we lack', () => {
    bench.hear(response(whole('ann')));
    bench.run(900);
    bench.hear(query([question(agents, PTR)], { answers: [ptr('ann')], truncated: true }), '10.0.0.9');
    bench.hear(query([], { answers: [ptr('bob')] }), '10.0.0.9');
    bench.takeSent();
    bench.run(1_500);
    expect(bench.takeSent()).toHaveLength(1);
  });

  test('a question for a unicast answer, one from another port and a probe suppress nothing', () => {
    bench.run(900);
    bench.takeSent();
    bench.hear(query([question(agents, PTR, true)]), '10.0.0.9');
    bench.hear(query([question(agents, PTR)]), '10.0.0.9', 49_152);
    bench.hear(query([question(agents, PTR)], { authorities: [srv('bob')] }), '10.0.0.9');
    bench.run(1_500);
    expect(bench.takeSent()).toHaveLength(1);
  });

  test('who hears another ask for itself alone asks for all, so that the third need not ask', () => {
    const [second, third] = [
      new Bench({ random: () => 0.5 }).browse(true),
      new Bench({ random: () => 0.9 }).browse(true),
    ];
    for (const each of [second, third]) each.hear(query([question(agents, PTR, true)]), '10.0.0.9');
    second.run(100);
    expect(second.takeSent().map(({ questions }) => questions)).toEqual([[browseText]]);
    third.run(80);
    third.hear(query([question(agents, PTR)]), '10.0.0.8');
    third.run(900);
    expect(third.takeSent()).toEqual([]);
  });

  test('known answers of others are not remembered', () => {
    bench.hear(query([question(agents, PTR)], { answers: whole('bob') }), '10.0.0.9');
    bench.run(5_000);
    expect(bench.querier.size.records).toBe(0);
    expect(bench.news).toEqual([]);
  });
});

describe('a service', () => {
  test('comes whole in one packet', () => {
    bench.hear(response(whole('ann')));
    expect(bench.news).toEqual(['+ann']);
    const service = bench.services.get('ann');
    expect(service).toMatchObject({ instance: ['ann', ...agents], host: ['nh-ann', 'local'], port: 6631 });
    expect(service?.addresses).toEqual(['10.0.0.1']);
    expect(Buffer.from((service?.txt.get('id') ?? '') as Uint8Array).toString()).toBe('ann');
  });

  test('comes from additional records, in any order', () => {
    bench.hear(response([ptr('ann')], [address('nh-ann', '10.0.0.1'), txt('ann'), srv('ann')]));
    expect(bench.news).toEqual(['+ann']);
  });

  test('in separate packets is asked for, part by part, and joined', () => {
    bench.run(300);
    bench.takeSent();
    bench.hear(response([ptr('ann')]));
    bench.wait(120);
    expect(bench.takeSent().map(({ questions }) => questions)).toEqual([
      ['SRV ann._nethood._tcp.local', 'TXT ann._nethood._tcp.local'],
    ]);
    bench.hear(response([txt('ann')]));
    bench.hear(response([srv('ann')]));
    bench.wait(120);
    expect(bench.takeSent().map(({ questions }) => questions)).toEqual([['A nh-ann.local', 'AAAA nh-ann.local']]);
    expect(bench.news).toEqual([]);
    bench.hear(response([address('nh-ann', '10.0.0.1')]));
    expect(bench.news).toEqual(['+ann']);
    bench.wait(600);
    expect(bench.takeSent()).toEqual([]);
  });

  test('several in one packet, those of many instances together', () => {
    bench.run(300);
    bench.takeSent();
    bench.hear(response(['ann', 'bob', 'eve'].map((label) => ptr(label))));
    bench.wait(140);
    const questions = bench.takeSent().flatMap((sent) => [sent.questions]);
    expect(questions).toHaveLength(1);
    expect(questions[0]).toHaveLength(6);
  });

  test('is asked for four times, then forgotten', () => {
    bench.hear(response([ptr('ann', { ttl: 120 })]));
    bench.run(60_000);
    const asked = bench.takeSent().filter(({ questions }) => questions.some((text) => text.startsWith('SRV')));
    expect(asked).toHaveLength(4);
    expect(bench.querier.size).toMatchObject({ instances: 0, records: 0 });
    expect(bench.news).toEqual([]);
  });

  test('is not asked for where another has just asked', () => {
    bench.run(300);
    bench.takeSent();
    bench.hear(response([ptr('ann')]));
    const name = ['ann', ...agents];
    bench.hear(query([question(name, SRV), question(name, TXT)]), '10.0.0.9');
    bench.wait(130);
    expect(bench.takeSent()).toEqual([]);
  });

  test('a host that says it has no IPv6 address is not asked for one', () => {
    bench.run(300);
    bench.takeSent();
    const nsec = { type: 'NSEC', next: ['nh-ann', 'local'], types: [A] } as const;
    bench.hear(response([ptr('ann'), srv('ann'), txt('ann')]));
    bench.hear(response([{ name: ['nh-ann', 'local'], ttl: 120, flush: true, data: nsec }]));
    bench.wait(130);
    expect(bench.takeSent().map(({ questions }) => questions)).toEqual([['A nh-ann.local']]);
  });

  test('has its name with dots, umlauts and 63 bytes, compared without regard to case', () => {
    const labels = ['Dr. A. Muster', 'Ärger & Co. (1)', `${'ü'.repeat(31)}x`];
    for (const label of labels) bench.hear(response(whole(label)));
    expect(bench.news).toEqual(labels.map((label) => `+${label}`));
    bench.wait(1);
    bench.hear(response([srv('DR. a. muster', { port: 7_000, host: 'NH-Dr. A. Muster' })]));
    expect(bench.services.get('Dr. A. Muster')?.port).toBe(7_000);
    expect(bench.querier.size.instances).toBe(3);
  });

  test('is told again when port, text or address changes, and only then', () => {
    bench.hear(response(whole('ann')));
    bench.hear(response(whole('ann')));
    expect(bench.news).toEqual(['+ann']);
    bench.wait(2_000);
    bench.hear(response([srv('ann', { port: 6_641 })]));
    expect(bench.services.get('ann')?.port).toBe(6_641);
    bench.hear(response([txt('ann', { text: 'id=other' })]));
    expect(Buffer.from((bench.services.get('ann')?.txt.get('id') ?? '') as Uint8Array).toString()).toBe('other');
    bench.hear(response([address('nh-ann', '10.0.0.7')]));
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.7', '10.0.0.1']);
    bench.wait(1_001);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.7']);
    expect(bench.news).toEqual(['+ann', '+ann', '+ann', '+ann']);
  });

  test('that moves to another host gets the addresses of that', () => {
    bench.hear(response(whole('ann')));
    bench.wait(2_000);
    bench.takeSent();
    bench.hear(response([srv('ann', { host: 'other' })]));
    expect(bench.news).toEqual(['+ann', '-ann']);
    bench.wait(130);
    expect(bench.takeSent().map(({ questions }) => questions)).toEqual([['A other.local', 'AAAA other.local']]);
    bench.hear(response([address('other', '10.0.0.8')]));
    expect(bench.services.get('ann')).toMatchObject({ host: ['other', 'local'], addresses: ['10.0.0.8'] });
  });

  test('at port 0 or at no host is none', () => {
    bench.hear(response([ptr('ann'), srv('ann', { port: 0 }), txt('ann'), address('nh-ann', '10.0.0.1')]));
    const nowhere = { type: 'SRV', priority: 0, weight: 0, port: 1, target: [] } as const;
    bench.hear(response([ptr('bob'), { name: ['bob', ...agents], ttl: 120, flush: true, data: nowhere }, txt('bob')]));
    bench.run(30_000);
    expect(bench.news).toEqual([]);
  });

  test('of an answer from another port than 5353 is not believed', () => {
    bench.hear(response(whole('ann')), '10.0.0.1', 40_000);
    expect(bench.querier.size.records).toBe(0);
  });
});

describe('refreshing', () => {
  test('asks for a PTR record at 80, 85, 90 and 95 % of its life, each up to 2 % later, then it is gone', () => {
    known('ann');
    const start = bench.now;
    // Only what concerns the PTR record: the others are heard again and again.
    for (let at = start; at < start + 4_600_000; at += 60_000) {
      bench.run(at);
      if (at < start + 4_400_000) bench.hear(response([srv('ann'), txt('ann'), address('nh-ann', '10.0.0.1')]));
    }
    const refreshes = bench
      .takeSent()
      .filter(({ message, questions }) => questions.includes(browseText) && message.answers.length === 0)
      .map(({ at }) => (at - start) / 4_500_000)
      .filter((part) => part > 0.79);
    for (const [index, part] of [0.8, 0.85, 0.9, 0.95].entries())
      expect(
        refreshes.some((at) => at >= part && at <= part + 0.02),
        `refresh ${index} in ${refreshes.join()}`,
      ).toBe(true);
    expect(bench.told.at(-1)).toEqual({ at: start + 4_500_000, what: '-ann' });
  });

  test('of SRV and addresses happens in one packet, and an answer starts their lives anew', () => {
    known('ann');
    const start = bench.now;
    bench.run(start + 95_999);
    expect(bench.takeAsked()).toEqual([]);
    bench.run(start + 98_400);
    expect(bench.takeAsked().map(({ questions }) => questions)).toEqual([
      ['SRV ann._nethood._tcp.local', 'A nh-ann.local'],
    ]);
    bench.hear(response([srv('ann')], [address('nh-ann', '10.0.0.1')]));
    bench.run(start + 190_000);
    expect(bench.takeAsked()).toEqual([]);
    bench.run(start + 98_400 + 98_400);
    expect(bench.takeAsked()).toHaveLength(1);
    expect(bench.news).toEqual([]);
  });

  test('unanswered four times, the service is gone when its records run out', () => {
    known('ann');
    const start = bench.now;
    bench.run(start + 121_000);
    const asked = bench.takeSent().filter(({ questions }) => questions.some((text) => text.startsWith('SRV')));
    expect(asked).toHaveLength(4);
    expect(bench.told).toEqual([{ at: start + 120_000, what: '-ann' }]);
    expect(bench.querier.size).toMatchObject({ instances: 0, records: 0 });
  });

  test('of a record of 10 s begins at 8 s', () => {
    bench.run(20_000);
    bench.hear(response(whole('ann', '10.0.0.1', { ttl: 10 })));
    bench.takeSent();
    bench.wait(7_990);
    expect(bench.takeAsked()).toEqual([]);
    bench.wait(220);
    expect(bench.takeAsked()).toHaveLength(1);
    bench.wait(1_800);
    expect(bench.news).toEqual(['+ann', '-ann']);
  });

  test('is left to another who has just asked', () => {
    known('ann');
    bench.wait(95_900);
    bench.hear(query([question(['ann', ...agents], SRV), question(['nh-ann', 'local'], A)]), '10.0.0.9');
    bench.wait(2_500);
    expect(bench.takeAsked()).toEqual([]);
  });

  test('is not needed of a neighbour in session, whose records outlive their time', () => {
    let inSession = true;
    bench = new Bench({ isProtected: () => inSession }).browse();
    known('ann');
    bench.wait(300_000);
    expect(bench.takeSent().flatMap(({ questions }) => questions.filter((text) => text !== browseText))).toEqual([]);
    expect(bench.news).toEqual([]);
    // The session ended in peace: asked for before it is given up.
    inSession = false;
    bench.wait(70_000);
    expect(bench.takeSent().some(({ questions }) => questions.includes('SRV ann._nethood._tcp.local'))).toBe(true);
    bench.wait(12_000);
    expect(bench.news).toEqual(['-ann']);
  });

  test('nobody browses, nothing is remembered or asked', () => {
    const idle = new Bench();
    idle.hear(response(whole('ann')));
    expect(idle.querier.size.records).toBe(0);
    expect(idle.querier.nextAt()).toBe(Infinity);
  });
});

describe('wake and link', () => {
  test('after a wake-up all is asked for anew, without known answers, and who is silent is gone', () => {
    known('ann', 'bob');
    bench.now += 600_000;
    bench.apply(bench.querier.wake(bench.now));
    bench.wait(130);
    const [first] = bench.takeSent();
    expect(first?.questions).toEqual([browseText]);
    expect(first?.message.answers).toEqual([]);
    bench.hear(response(whole('ann')));
    bench.wait(11_000);
    expect(bench.news).toEqual(['-bob']);
    expect(bench.takeSent().flatMap(({ questions }) => questions)).toContain('SRV bob._nethood._tcp.local');
    expect(Array.from(bench.services.keys())).toEqual(['ann']);
  });

  test('one that answers after a wake-up is not told again, nor asked for by name', () => {
    known('ann');
    bench.apply(bench.querier.wake(bench.now));
    bench.wait(200);
    bench.takeSent();
    bench.hear(response(whole('ann')));
    bench.wait(20_000);
    expect(bench.news).toEqual([]);
    expect(bench.takeSent().every(({ questions }) => questions.join() === browseText)).toBe(true);
  });

  test('a link that is down tells that all are gone, asks nothing, and tells them when they are heard again', () => {
    known('ann', 'bob');
    bench.apply(bench.querier.linkDown(bench.now));
    expect(bench.news).toEqual(['-ann', '-bob']);
    expect(bench.querier.nextAt()).toBe(Infinity);
    bench.now += 5_000;
    expect(bench.querier.tick(bench.now)).toEqual([]);
    bench.hear(response(whole('eve')));
    bench.apply(bench.querier.wake(bench.now));
    bench.wait(1_000);
    expect(bench.news).toEqual([]);
    bench.hear(response(whole('ann')));
    expect(bench.news).toEqual(['+ann']);
    bench.wait(12_000);
    expect(bench.querier.size.instances).toBe(1);
  });

  test('the first question after a wake-up is asked even where it was just asked', () => {
    bench.run(1_500);
    bench.run((bench.sent.at(-1)?.at ?? 0) + 10);
    bench.takeSent();
    bench.apply(bench.querier.wake(bench.now));
    bench.wait(121);
    expect(bench.takeSent().map(({ questions }) => questions)).toEqual([[browseText]]);
  });

  test('the first question after a wake-up may be answered by unicast again', () => {
    const alone = new Bench().browse(true);
    alone.run(30_000);
    alone.takeSent();
    alone.apply(alone.querier.wake(alone.now));
    alone.wait(1_400);
    expect(alone.takeSent().map(({ questions }) => questions)).toEqual([[`${browseText} QU`], [browseText]]);
  });
});

test('AAAA records alone make a service', () => {
  bench.hear(response([ptr('ann'), srv('ann'), txt('ann'), address('nh-ann', 'fe80::1')]));
  expect(bench.services.get('ann')?.addresses).toEqual(['fe80::1']);
});

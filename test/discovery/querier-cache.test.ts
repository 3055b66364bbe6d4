// What is remembered for how long, and what may end it (RFC 6762 section 10).
import { beforeEach, describe, expect, test } from 'vitest';
import { recordTypes } from '../../agent/discovery/dns-types.ts';
import { address, agents, Bench, ptr, query, question, response, srv, txt, whole } from './querier-support.ts';

const { PTR, SRV } = recordTypes;
let bench: Bench;

beforeEach(() => {
  bench = new Bench().browse();
  bench.run(20_000);
  bench.hear(response(whole('ann')));
  bench.takeSent();
  bench.told.splice(0);
});

describe('each record has its own life', () => {
  test('of the TTL that it came with; hearing it again starts it anew', () => {
    bench.hear(response([...whole('bob', '10.0.0.2', { ttl: 60 })]), '10.0.0.2');
    bench.wait(50_000);
    bench.hear(response([...whole('bob', '10.0.0.2', { ttl: 60 })]), '10.0.0.2');
    bench.wait(59_999);
    expect(bench.news).toEqual(['+bob']);
    bench.wait(1);
    expect(bench.news).toEqual(['-bob']);
  });

  test('one address may run out while another stays', () => {
    bench.hear(response([address('nh-ann', 'fe80::1', { ttl: 10 })]));
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.1', 'fe80::1']);
    bench.wait(10_000);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.1']);
    expect(bench.news).toEqual(['+ann', '+ann']);
  });

  test('nothing is believed for more than 75 minutes', () => {
    const start = bench.now;
    bench.hear(response(whole('bob', '10.0.0.2', { ttl: 2_000_000_000 })), '10.0.0.2');
    bench.wait(5_000_000);
    expect(bench.told).toContainEqual({ at: start + 4_500_000, what: '-bob' });
  });
});

describe('the cache-flush bit', () => {
  test('replaces what is older than a second, after one more second', () => {
    bench.wait(1_001);
    bench.hear(response([address('nh-ann', '10.0.0.9')]));
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.9', '10.0.0.1']);
    bench.wait(999);
    expect(bench.services.get('ann')?.addresses).toHaveLength(2);
    bench.wait(1);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.9']);
  });

  test('spares the records of one announcement that is spread over a second', () => {
    bench.wait(500);
    bench.hear(response([address('nh-ann', '10.0.0.2')]));
    bench.wait(500);
    bench.hear(response([address('nh-ann', '10.0.0.3')]));
    bench.wait(5_000);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  test('ends nothing of another type or name', () => {
    bench.hear(response([address('nh-ann', 'fe80::1')]));
    bench.wait(2_000);
    bench.hear(response([address('nh-ann', 'fe80::2'), address('nh-bob', '10.0.0.2')]));
    bench.wait(1_000);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.1', 'fe80::2']);
  });

  test('a record that is said again within the grace stays', () => {
    bench.wait(2_000);
    bench.hear(response([address('nh-ann', '10.0.0.9')]));
    bench.wait(500);
    bench.hear(response([address('nh-ann', '10.0.0.1')]));
    bench.wait(2_000);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.1', '10.0.0.9']);
  });

  test('replaces the address of a neighbour in session, too', () => {
    bench = new Bench({ isProtected: () => true }).browse();
    bench.hear(response(whole('ann')));
    bench.wait(2_000);
    bench.hear(response([address('nh-ann', '10.0.0.9')]));
    bench.wait(1_000);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.9']);
  });

  test('counts for nothing on PTR records, which all share', () => {
    bench.wait(2_000);
    bench.hear(response([{ ...ptr('bob'), flush: true }]));
    bench.wait(2_000);
    expect(bench.news).toEqual([]);
  });
});

describe('a goodbye', () => {
  const goodbye = whole('ann', '10.0.0.1', { ttl: 0 });

  test('counts a second later', () => {
    const start = bench.now;
    bench.hear(response(goodbye));
    bench.wait(5_000);
    expect(bench.told).toEqual([{ at: start + 1_000, what: '-ann' }]);
    expect(bench.querier.size).toEqual({ instances: 0, records: 0, bytes: 0 });
    expect(bench.takeAsked()).toEqual([]);
  });

  test('is made void by hearing the record again within that second', () => {
    bench.hear(response(goodbye));
    bench.wait(900);
    bench.hear(response(whole('ann')));
    bench.wait(5_000);
    expect(bench.news).toEqual([]);
  });

  test('of another address than the owner’s is asked about at once, and the owner’s answer voids it', () => {
    bench.hear(response(goodbye), '10.0.0.66');
    bench.wait(130);
    expect(bench.takeSent().map(({ questions }) => questions)).toEqual([
      ['PTR _nethood._tcp.local', 'SRV ann._nethood._tcp.local'],
    ]);
    bench.hear(response(whole('ann')));
    bench.wait(15_000);
    expect(bench.news).toEqual([]);
  });

  test('for what is not known is nothing', () => {
    bench.hear(response(whole('bob', '10.0.0.2', { ttl: 0 })));
    expect(bench.querier.size.instances).toBe(1);
  });

  test('for one address ends that one', () => {
    bench.hear(response([address('nh-ann', '10.0.0.2')]));
    bench.hear(response([address('nh-ann', '10.0.0.1', { ttl: 0 })]));
    bench.wait(1_000);
    expect(bench.services.get('ann')?.addresses).toEqual(['10.0.0.2']);
  });

  test('for the SRV record alone makes it gone until there is a new one, which is asked for', () => {
    bench.hear(response([srv('ann', { ttl: 0 })]));
    bench.wait(1_200);
    expect(bench.news).toEqual(['-ann']);
    expect(bench.takeAsked().map(({ questions }) => questions)).toEqual([['SRV ann._nethood._tcp.local']]);
    bench.hear(response([srv('ann', { port: 7_000 })]));
    expect(bench.services.get('ann')?.port).toBe(7_000);
  });

  test('for one of two SRV records leaves the host of the other', () => {
    bench.hear(response([srv('ann', { flush: false, host: 'other' }), address('other', '10.0.0.8')]));
    bench.wait(1);
    bench.hear(response([srv('ann', { flush: false })]));
    expect(bench.services.get('ann')?.host).toEqual(['nh-ann', 'local']);
    bench.hear(response([srv('ann', { flush: false, host: 'other' })]));
    bench.hear(response([srv('ann', { ttl: 0 })]));
    bench.wait(1_200);
    expect(bench.takeAsked().map(({ questions }) => questions)).toEqual([['A other.local', 'AAAA other.local']]);
    bench.hear(response([address('other', '10.0.0.8')]));
    expect(bench.services.get('ann')).toMatchObject({ host: ['other', 'local'], addresses: ['10.0.0.8'] });
  });

  test('forged for a neighbour in session ends nothing while the session lasts', () => {
    let inSession = true;
    bench = new Bench({ isProtected: () => inSession }).browse();
    bench.hear(response(whole('ann')));
    bench.hear(response(goodbye), '10.0.0.66');
    bench.wait(60_000);
    expect(bench.news).toEqual(['+ann']);
    inSession = false;
    bench.wait(1_000);
    expect(bench.news).toEqual(['-ann']);
  });
});

describe('reconfirm', () => {
  test('asks at once and again, and who does not answer within 10 s is gone', () => {
    const start = bench.now;
    bench.apply(bench.querier.reconfirm(['ann', ...agents], start));
    bench.wait(130);
    expect(bench.takeSent().map(({ questions }) => questions)).toEqual([
      ['PTR _nethood._tcp.local', 'SRV ann._nethood._tcp.local', 'A nh-ann.local'],
    ]);
    bench.wait(20_000);
    expect(bench.takeAsked().length).toBeGreaterThanOrEqual(2);
    expect(bench.told).toEqual([{ at: start + 10_000, what: '-ann' }]);
    expect(bench.querier.size.records).toBe(0);
  });

  test('an answer for the instance and its host settles it', () => {
    bench.apply(bench.querier.reconfirm(['ANN', ...agents], bench.now));
    bench.wait(200);
    bench.hear(response([srv('ann')], [address('nh-ann', '10.0.0.1')]));
    bench.takeSent();
    bench.wait(30_000);
    expect(bench.takeAsked()).toEqual([]);
    expect(bench.news).toEqual([]);
  });

  test('does not list the doubted as known answers', () => {
    bench.apply(bench.querier.reconfirm(['ann', ...agents], bench.now));
    bench.wait(5_000);
    for (const { message } of bench.takeSent()) expect(message.answers).toEqual([]);
  });

  test('of one that is not known does nothing', () => {
    expect(bench.querier.reconfirm(['bob', ...agents], bench.now)).toEqual([]);
  });

  test('of two agents on one host, one is gone and the other stays', () => {
    bench.hear(response([ptr('anna'), srv('anna', { host: 'nh-ann', port: 6_641 }), txt('anna')]));
    bench.apply(bench.querier.reconfirm(['anna', ...agents], bench.now));
    bench.wait(200);
    bench.hear(response([address('nh-ann', '10.0.0.1')]));
    bench.wait(15_000);
    expect(bench.news).toEqual(['+anna', '-anna']);
  });
});

describe('questions of others that stay unanswered', () => {
  const asked = query([question(agents, PTR)]);

  test('two of them, and no answer in 10 s: it is gone', () => {
    bench.wait(2_000);
    bench.hear(asked, '10.0.0.9');
    bench.wait(3_000);
    const second = bench.now;
    bench.hear(asked, '10.0.0.9');
    bench.wait(20_000);
    expect(bench.told).toEqual([{ at: second + 10_000, what: '-ann' }]);
  });

  test('one of them says nothing', () => {
    bench.wait(2_000);
    bench.hear(asked, '10.0.0.9');
    bench.wait(60_000);
    expect(bench.news).toEqual([]);
  });

  test('an answer in time voids them', () => {
    bench.wait(2_000);
    bench.hear(asked, '10.0.0.9');
    bench.wait(2_000);
    bench.hear(asked, '10.0.0.9');
    bench.wait(5_000);
    bench.hear(response([ptr('ann')]));
    bench.wait(30_000);
    expect(bench.news).toEqual([]);
  });

  test('an answer between two of them starts the count anew', () => {
    for (let round = 0; round < 3; round++) {
      bench.wait(5_000);
      bench.hear(asked, '10.0.0.9');
      bench.wait(5_000);
      bench.hear(response([ptr('ann')]));
    }
    bench.wait(30_000);
    expect(bench.news).toEqual([]);
  });

  test.each([
    ['who asks knows the answer', query([question(agents, PTR)], { answers: [ptr('ann')] }), 5353],
    ['the answer goes to the asker alone', query([question(agents, PTR, true)]), 5353],
    ['more known answers follow', query([question(agents, PTR)], { truncated: true }), 5353],
    ['the asker is no querier of multicast DNS', query([question(agents, PTR)]), 50_000],
    ['it is a probe', query([question(agents, PTR)], { authorities: [srv('bob')] }), 5353],
  ])('where %s they say nothing', (_, message, port) => {
    for (let round = 0; round < 5; round++) {
      bench.wait(2_000);
      bench.hear(message, '10.0.0.9', port);
    }
    bench.wait(15_000);
    expect(bench.news).toEqual([]);
  });

  test('a burst of questions counts once a second', () => {
    bench.wait(2_000);
    for (let count = 0; count < 20; count++) bench.hear(asked, '10.0.0.9');
    bench.wait(30_000);
    expect(bench.news).toEqual([]);
  });

  test('for the SRV record alone end the service', () => {
    for (let round = 0; round < 2; round++) {
      bench.wait(2_000);
      bench.hear(query([question(['ann', ...agents], SRV)]), '10.0.0.9');
    }
    bench.wait(10_000);
    expect(bench.news).toEqual(['-ann']);
  });
});

describe('what is not worth remembering', () => {
  test('addresses of hosts that no instance names, and of other types', () => {
    const before = bench.querier.size.records;
    bench.hear(response([address('printer', '10.0.0.50'), address('nh-bob', '10.0.0.2')]));
    bench.hear(
      response([
        {
          name: ['_ipp', '_tcp', 'local'],
          ttl: 120,
          flush: false,
          data: { type: 'PTR', target: ['x', '_ipp', '_tcp', 'local'] },
        },
        { name: ['x', '_ipp', '_tcp', 'local'], ttl: 120, flush: true, data: { type: 'TXT', strings: [] } },
        { name: agents, ttl: 120, flush: false, data: { type: 'PTR', target: ['x', '_ipp', '_tcp', 'local'] } },
        {
          name: ['ann', ...agents],
          ttl: 120,
          flush: false,
          data: { type: 'other', code: 999, bytes: new Uint8Array(9) },
        },
      ]),
    );
    expect(bench.querier.size.records).toBe(before);
  });

  test('addresses of a host that nobody names any more', () => {
    bench.hear(response([ptr('ann', { ttl: 0 })]));
    bench.wait(1_000);
    bench.hear(response([address('nh-ann', '10.0.0.1')]));
    expect(bench.querier.size).toEqual({ instances: 0, records: 0, bytes: 0 });
  });

  test('a list of one type that names an instance of another', () => {
    bench.apply(bench.querier.browse(['_ipp', '_tcp', 'local'], bench.now, { mayUnicast: false }));
    const before = bench.querier.size;
    const target = ['eve', ...agents];
    bench.hear(response([{ name: ['_ipp', '_tcp', 'local'], ttl: 120, flush: false, data: { type: 'PTR', target } }]));
    expect(bench.querier.size).toEqual(before);
  });

  test('texts beyond 2 kB', () => {
    bench.hear(
      response([
        { ...txt('bob'), data: { type: 'TXT', strings: Array.from({ length: 10 }, () => new Uint8Array(250)) } },
      ]),
    );
    expect(bench.querier.size.instances).toBe(1);
  });
});

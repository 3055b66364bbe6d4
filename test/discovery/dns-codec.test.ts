import { decode, encode, type Packet } from 'dns-packet';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, maxMessageBytes } from '../../agent/discovery/dns-decode.ts';
import { encodeMessage, splitMessage } from '../../agent/discovery/dns-encode.ts';
import type { DnsMessage, DnsRecord } from '../../agent/discovery/dns-types.ts';
import { recordTypes } from '../../agent/discovery/dns-types.ts';
import { hasCode } from '../../protocol/errors.ts';
import { anyMessage, plain } from './dns-support.ts';
import { address, agents, ptr, query, question, response, srv, txt, whole } from './querier-support.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function header(answers: number): string {
  return `0000 8400 0000 000${answers} 0000 0000`;
}

function pointer(...bytes: number[]): string {
  return Buffer.from(bytes).toString('hex');
}

function sizes(messages: readonly DnsMessage[]): number[] {
  return messages.map((message) => encodeMessage(message).length);
}

function count({ questions, answers, authorities, additionals }: DnsMessage): number {
  return questions.length + answers.length + authorities.length + additionals.length;
}

function badMessage(bytes: Uint8Array): boolean {
  try {
    decodeMessage(bytes);
    return false;
  } catch (error) {
    return hasCode(error, 'bad-message');
  }
}

describe('round trip', () => {
  test('what is encoded is decoded as it was', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(plain(decodeMessage(encodeMessage(message)))).toEqual(plain(message));
      }),
      { numRuns: 500 },
    );
  });

  test('from the middle of a larger buffer, as sockets give them', () => {
    const bytes = encodeMessage(response(whole('ann')));
    const larger = Buffer.alloc(bytes.length + 20, 0xff);
    larger.set(bytes, 7);
    const message = decodeMessage(larger.subarray(7, 7 + bytes.length));
    larger.fill(0);
    expect(plain(message)).toEqual(plain(response(whole('ann'))));
  });

  test('the bits for unicast answers and cache flush are kept', () => {
    const message = query([question(agents, recordTypes.PTR, true)], { answers: [srv('ann', { flush: true })] });
    const again = decodeMessage(encodeMessage(message));
    expect(again.questions[0]?.unicast).toBe(true);
    expect(again.answers[0]?.flush).toBe(true);
  });
});

describe('beside dns-packet', () => {
  const message = response(
    [...whole('ann'), { ...address('nh-ann', 'fe80::1'), flush: false }],
    [
      {
        name: ['nh-ann', 'local'],
        ttl: 120,
        flush: true,
        data: { type: 'NSEC', next: ['nh-ann', 'local'], types: [1, 28] },
      },
    ],
  );

  test('it reads what we write', () => {
    const packet = decode(Buffer.from(encodeMessage(message)));
    const type = '_nethood._tcp.local';
    expect(packet.answers).toMatchObject([
      { type: 'PTR', name: type, ttl: 4_500, data: `ann.${type}`, flush: false },
      { type: 'SRV', name: `ann.${type}`, flush: true, data: { port: 6_631, target: 'nh-ann.local' } },
      { type: 'TXT', name: `ann.${type}`, data: [Buffer.from('id=ann')] },
      { type: 'A', name: 'nh-ann.local', data: '10.0.0.1', flush: true },
      { type: 'AAAA', name: 'nh-ann.local', data: 'fe80::1', flush: false },
    ]);
    expect(packet.additionals).toMatchObject([{ type: 'NSEC', data: { rrtypes: ['A', 'AAAA'] } }]);
    expect(packet).toMatchObject({ type: 'response', flag_aa: true, flag_tc: false });
  });

  test('we read what it writes, without compression', () => {
    const records = [
      { type: 'PTR', name: 'a.local', ttl: 9, data: 'b.a.local' },
      { type: 'SRV', name: 'b.a.local', ttl: 9, data: { priority: 1, weight: 2, port: 3, target: 'c.local' } },
      { type: 'TXT', name: 'b.a.local', ttl: 9, data: ['x=1', ''] },
      { type: 'AAAA', name: 'c.local', ttl: 9, flush: true, data: '2001:db8::5' },
    ];
    const bytes = encode({ type: 'response', answers: records } as unknown as Packet);
    expect(plain(decodeMessage(bytes)).answers).toEqual([
      { name: ['a', 'local'], ttl: 9, flush: false, data: { type: 'PTR', target: ['b', 'a', 'local'] } },
      {
        name: ['b', 'a', 'local'],
        ttl: 9,
        flush: false,
        data: { type: 'SRV', priority: 1, weight: 2, port: 3, target: ['c', 'local'] },
      },
      { name: ['b', 'a', 'local'], ttl: 9, flush: false, data: { type: 'TXT', strings: [[120, 61, 49], []] } },
      { name: ['c', 'local'], ttl: 9, flush: true, data: { type: 'AAAA', address: '2001:db8::5' } },
    ]);
  });

  test('all names that it can tell apart come out alike', () => {
    const simple = fc.array(fc.stringMatching(/^[a-z0-9]{1,9}$/), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(simple, { minLength: 1, maxLength: 12 }), (names) => {
        const answers: DnsRecord[] = names.map((name, at) => {
          return { name, ttl: 1, flush: false, data: { type: 'PTR', target: names[(at + 1) % names.length] ?? [] } };
        });
        const packet = decode(Buffer.from(encodeMessage(response(answers))));
        expect(packet.answers?.map(({ name }) => name)).toEqual(names.map((name) => name.join('.')));
        const targets = packet.answers?.map((answer) => ('data' in answer ? answer.data : undefined));
        expect(targets).toEqual(answers.map((_, at) => (names[(at + 1) % names.length] ?? []).join('.')));
      }),
    );
  });

  test('our compression makes 40 instances less than half as long', () => {
    const records = Array.from({ length: 40 }, (_, at) => whole(`Colleague number ${at}`)).flat();
    const ours = encodeMessage(response(records)).length;
    const theirs = encode(toPacket(decodeMessage(encodeMessage(response(records))))).length;
    expect(ours).toBeLessThan(theirs / 2);
  });
});

/** Labels without dots only. */
function toPacket({ answers }: DnsMessage): Packet {
  const records = answers.map(({ name, ttl, data }) => {
    const common = { name: name.join('.'), ttl };
    switch (data.type) {
      case 'PTR':
        return { ...common, type: 'PTR', data: data.target.join('.') };
      case 'SRV':
        return { ...common, type: 'SRV', data: { ...data, target: data.target.join('.') } };
      case 'TXT':
        return { ...common, type: 'TXT', data: data.strings.map((string) => Buffer.from(string)) };
      case 'A':
      case 'AAAA':
        return { ...common, type: data.type, data: data.address };
      case 'NSEC':
      case 'other':
        throw new Error('not made here');
    }
  });
  return { type: 'response', answers: records } as unknown as Packet;
}

describe('names on the wire', () => {
  test('an instance with a dot and umlauts is one label, also in SRV and as a target', () => {
    const name = ['Dr. Ärger', '_ipp', '_tcp', 'local'];
    const bytes = encodeMessage(
      response([{ name: name.slice(1), ttl: 1, flush: false, data: { type: 'PTR', target: name } }]),
    );
    // One label and a pointer to _ipp._tcp.local, which begins at 12.
    expect(Buffer.from(bytes.subarray(-13)).toString('hex')).toBe('0a44722e20c38472676572c00c');
    expect(decodeMessage(bytes).answers[0]?.data).toEqual({ type: 'PTR', target: name });
  });

  test('the target of SRV is compressed', () => {
    const bytes = encodeMessage(response([address('nh-ann', '10.0.0.1'), srv('ann')]));
    expect(Buffer.from(bytes.subarray(-2)).toString('hex')).toBe('c00c');
  });

  test('a label of 63 bytes is written, one of 64 is refused', () => {
    const ok = response([ptr('ü'.repeat(31) + 'x')]);
    expect(plain(decodeMessage(encodeMessage(ok)))).toEqual(plain(ok));
    expect(() => encodeMessage(response([ptr('ü'.repeat(32))]))).toThrow('cannot be a DNS name');
    expect(() => encodeMessage(response([ptr('')]))).toThrow('cannot be a DNS name');
    expect(() => encodeMessage(response([ptr('\ud800')]))).toThrow('cannot be a DNS name');
  });

  test('an address with a zone is refused', () => {
    expect(() => encodeMessage(response([address('h', 'fe80::1%eth0')]))).toThrow('cannot be told');
  });
});

describe('one bad record does not spoil the packet', () => {
  const good = '0161 00 0001 0001 00000078 0004 0a000001';
  const decoded = [{ name: ['a'], ttl: 120, flush: false, data: { type: 'A', address: '10.0.0.1' } }];
  const cases: Record<string, string> = {
    'a name that is not UTF-8': '01ff 00 0001 0001 00000078 0004 0a000002',
    'a target that is not UTF-8': '0162 00 000c 0001 00000078 0003 01ff00',
    'an address of 3 bytes': '0162 00 0001 0001 00000078 0003 0a0000',
    'an IPv6 address of 4 bytes': '0162 00 001c 0001 00000078 0004 0a000001',
    'another class': '0162 00 0001 0003 00000078 0004 0a000001',
    'a string of a text beyond its end': '0162 00 0010 0001 00000078 0002 0561',
    'a target short of the data': '0162 00 000c 0001 00000078 0005 0161 00 0000',
    'a list of types that is too long': '0162 00 002f 0001 00000078 0005 0161 00 0021',
  };
  for (const [title, bad] of Object.entries(cases)) {
    test(title, () => {
      expect(plain(decodeMessage(hex(header(2) + bad + good))).answers).toEqual(decoded);
    });
  }

  test('an unknown type is kept as it is', () => {
    const [answer] = decodeMessage(hex(`${header(1)} 0162 00 03e7 0001 00000078 0003 010203`)).answers;
    expect(answer?.data).toEqual({ type: 'other', code: 999, bytes: Uint8Array.of(1, 2, 3) });
  });

  test('a TTL with its top bit set counts as 0', () => {
    expect(decodeMessage(hex(`${header(1)} 0162 00 0001 0001 ffffffff 0004 0a000001`)).answers[0]?.ttl).toBe(0);
  });

  test('other blocks of an NSEC record are passed over', () => {
    const [answer] = decodeMessage(hex(`${header(1)} 0162 00 002f 0001 00000078 0009 c00c 000140 01024040`)).answers;
    expect(answer?.data).toEqual({ type: 'NSEC', next: ['b'], types: [1] });
  });
});

describe('a message that is none', () => {
  const cases: Record<string, Uint8Array> = {
    'is empty': new Uint8Array(),
    'ends in its header': hex('0000 8400 0000 0001'),
    'is longer than 9000 bytes': new Uint8Array(maxMessageBytes + 1),
    'counts more records than it has bytes': hex('0000 8400 ffff ffff ffff ffff 00'),
    'has a pointer to itself': hex(`0000 0000 0001 0000 0000 0000 ${pointer(0xc0, 12)} 0001 0001`),
    'has a pointer forwards': hex(`0000 0000 0001 0000 0000 0000 ${pointer(0xc0, 14)} 0161 00 0001 0001`),
    'has two pointers that lead to each other': hex(
      `0000 0000 0002 0000 0000 0000 ${pointer(0xc0, 18)} 0001 0001 ${pointer(0xc0, 12)} 0001 0001`,
    ),
    'has a label whose pointer leads back to it': hex(
      `0000 0000 0001 0000 0000 0000 0161 ${pointer(0xc0, 12)} 0001 0001`,
    ),
    'has a label of a reserved kind': hex('0000 0000 0001 0000 0000 0000 4161 00 0001 0001'),
    'has data beyond its end': hex('0000 8400 0000 0001 0000 0000 00 0001 0001 00000078 ffff 0a000001'),
    'has another opcode': hex('0000 2800 0000 0000 0000 0000'),
    'has an error code': hex('0000 8403 0000 0000 0000 0000'),
    'has a name of 257 bytes': hex(`0000 0000 0001 0000 0000 0000 ${`3f${'61'.repeat(63)}`.repeat(4)} 00 0001 0001`),
  };
  for (const [title, bytes] of Object.entries(cases)) {
    test(title, () => {
      expect(badMessage(bytes)).toBe(true);
    });
  }

  test('every beginning of a whole message is none, and every byte of it may be wrong', () => {
    const bytes = encodeMessage(response(whole('ann'), [address('nh-ann', 'fe80::1')]));
    for (let length = 0; length < bytes.length; length++) expect(badMessage(bytes.subarray(0, length))).toBe(true);
    for (let at = 0; at < bytes.length; at++) {
      const wrong = Uint8Array.from(bytes);
      wrong[at] = (wrong[at] ?? 0) ^ 0xff;
      expect(['bad', 'good']).toContain(badMessage(wrong) ? 'bad' : 'good');
    }
  });

  test('a name of 256 bytes in 127 labels is one', () => {
    const name = Array<string>(127).fill('a');
    expect(decodeMessage(encodeMessage(query([question(name, 1)]))).questions[0]?.name).toEqual(name);
  });
});

describe('splitting', () => {
  test('a message that fits stays one', () => {
    const message = response(whole('ann'));
    expect(splitMessage(message, 1_440)).toEqual([message]);
  });

  test('a list of known answers goes on in packets without questions, all but the last marked', () => {
    const answers = Array.from({ length: 500 }, (_, at) => ptr(`Colleague ${at}`));
    const parts = splitMessage(query([question(agents, recordTypes.PTR)], { answers }), 1_440);
    expect(parts.length).toBeGreaterThan(5);
    expect(Math.max(...sizes(parts))).toBeLessThanOrEqual(1_440);
    expect(parts.map(({ questions }) => questions.length)).toEqual([1, ...Array<number>(parts.length - 1).fill(0)]);
    expect(parts.map(({ truncated }) => truncated)).toEqual([...Array<boolean>(parts.length - 1).fill(true), false]);
    expect(parts.flatMap((part) => part.answers)).toEqual(answers);
  });

  test('a response becomes several whole ones, and additional records that do not fit become answers', () => {
    const records = Array.from({ length: 60 }, (_, at) => [
      srv(`c${at}`),
      txt(`c${at}`, { text: 'x'.repeat(100) }),
    ]).flat();
    const parts = splitMessage(response([ptr('ann')], records), 1_440);
    expect(parts.length).toBeGreaterThan(3);
    expect(Math.max(...sizes(parts))).toBeLessThanOrEqual(1_440);
    expect(parts.every(({ truncated, answers }) => !truncated && answers.length > 0)).toBe(true);
    expect(parts.reduce((sum, part) => sum + count(part), 0)).toBe(121);
  });

  test('a probe keeps what it proposes beside its question', () => {
    const labels = Array.from({ length: 40 }, (_, at) => `printer number ${at} on the second floor`);
    const questions = labels.map((label) => question([label, ...agents], 255));
    const authorities = labels.flatMap((label) => [srv(label), txt(label)]);
    const parts = splitMessage(query(questions, { authorities }), 1_440);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) {
      const asked = part.questions.map(({ name }) => name[0]);
      expect(new Set(part.authorities.map(({ name }) => name[0]))).toEqual(new Set(asked));
      expect(part.truncated).toBe(false);
    }
    expect(parts.flatMap((part) => part.authorities)).toHaveLength(80);
  });

  test('one record that is too long goes by itself', () => {
    const long = txt('ann', { text: 'x'.repeat(250) });
    expect(splitMessage(response([ptr('ann'), long, ptr('bob')]), 100).map(({ answers }) => answers.length)).toEqual([
      1, 1, 1,
    ]);
  });

  test('whatever the message, nothing is lost and what can fit, fits', () => {
    fc.assert(
      fc.property(anyMessage, fc.integer({ min: 100, max: 1_440 }), (message, maxBytes) => {
        const parts = splitMessage(message, maxBytes);
        expect(parts.reduce((sum, part) => sum + count(part), 0)).toBe(count(message));
        const isProbe = message.authorities.length > 0;
        for (const part of parts)
          if (!isProbe && count(part) > 1) expect(encodeMessage(part).length).toBeLessThanOrEqual(maxBytes);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the costliest packets', () => {
  const chain = Array.from({ length: 126 }, () => '0161').join('');
  const build = (more: number, questions: string): Uint8Array =>
    hex(`0000 0000 ${(more + 1).toString(16).padStart(4, '0')} 0000 0000 0000 ${chain}00 0001 0001${questions}`);
  const cases: Record<string, Uint8Array> = {
    'names that each borrow 126 labels': build(1_080, '0162c00c00010001'.repeat(1_080)),
    'names that each lead through many pointers': build(
      1_400,
      Array.from({ length: 1_400 }, (_, at) => {
        const target = at === 0 ? 12 : 12 + 2 * 126 + 5 + 6 * (at - 1);
        return `${(0xc000 | target).toString(16)}00010001`;
      }).join(''),
    ),
  };
  for (const [title, bytes] of Object.entries(cases)) {
    test(title, () => {
      expect(bytes.length).toBeLessThanOrEqual(maxMessageBytes);
      let fastest = Infinity;
      for (let times = 0; times < 5; times++) {
        const start = performance.now();
        badMessage(bytes);
        fastest = Math.min(fastest, performance.now() - start);
      }
      expect(fastest).toBeLessThan(50);
    });
  }
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  attributes,
  collection,
  dateTime,
  group,
  integer,
  keyword,
  operationGroup,
  requestOf,
} from '../../agent/printing/ipp-attributes.ts';
import { decodeIpp, IppDecoder, networkLimits } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import type { IppResponse, IppValue } from '../../agent/printing/ipp-values.ts';
import { anyRequest, anyResponse } from './ipp-arbitrary.ts';
import { attribute, collectionBytes, hex, message, u16 } from './ipp-bytes.ts';

const valuesOf = (bytes: Buffer, name = 'a'): readonly IppValue[] | undefined =>
  decodeIpp(bytes, 'response').message.groups[0]?.attributes.get(name);

function send(values: readonly IppValue[], name = 'a'): Buffer {
  return encodeIpp({ ...requestOf('Get-Jobs', {}), groups: [group('job', { [name]: values })] });
}

function nested(depth: number): Buffer {
  return message(collectionBytes(depth));
}

function many(count: number): Buffer {
  return message(...Array.from({ length: count }, (_, at) => attribute(0x21, `a${at}`, hex('00000001'))));
}

describe('The IPP codec', () => {
  test('gives back every request as it was, and leaves the document alone', () => {
    fc.assert(
      fc.property(anyRequest, fc.uint8Array(), (request, document) => {
        const bytes = encodeIpp(request);
        const { message: decoded, rest } = decodeIpp(Buffer.concat([bytes, document]), 'request');
        expect(decoded).toEqual(request);
        // The order of a Map is beyond toEqual.
        expect(encodeIpp(decoded).equals(bytes)).toBe(true);
        expect(rest.equals(document)).toBe(true);
      }),
    );
  });

  test('gives back every response as it was', () => {
    fc.assert(
      fc.property(anyResponse, (response) => {
        expect(decodeIpp(encodeIpp(response), 'response').message).toEqual(response);
      }),
    );
  });

  test('does not care how a message is cut into pieces', () => {
    fc.assert(
      fc.property(anyRequest, fc.array(fc.nat({ max: 30 }), { maxLength: 60 }), (request, cuts) => {
        const bytes = Buffer.concat([encodeIpp(request), Buffer.from('document')]);
        const decoder = new IppDecoder('request');
        let rest: Buffer | undefined;
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const piece = bytes.subarray(at, at + cut);
          at += piece.length;
          rest = rest === undefined ? decoder.write(piece) : Buffer.concat([rest, piece]);
        }
        expect(decoder.message()).toEqual(request);
        expect(rest?.toString()).toBe('document');
      }),
    );
  });

  test('takes a message of a megabyte byte by byte in linear time', () => {
    const bytes = message(
      attribute(0x41, 'a', Buffer.alloc(60_000, 'x')),
      ...Array.from({ length: 15 }, () => attribute(0x41, '', Buffer.alloc(60_000, 'x'))),
    );
    const decoder = new IppDecoder('response');
    const start = performance.now();
    for (let at = 0; at < bytes.length; at++) decoder.write(bytes.subarray(at, at + 1));
    expect(performance.now() - start).toBeLessThan(8_000);
    expect(decoder.message().groups[0]?.attributes.get('a')).toHaveLength(16);
  });

  test('sends the charset and the language before all else, and everything else in its order', () => {
    const shuffled = new Map([
      ...attributes({ z: integer(1), b: integer(2) }),
      ...operationGroup({ a: integer(3) }).attributes,
    ]);
    const request = { ...requestOf('Get-Jobs', {}), groups: [{ group: 'operation' as const, attributes: shuffled }] };
    const decoded = decodeIpp(encodeIpp(request), 'request').message;
    expect([...(decoded.groups[0]?.attributes.keys() ?? [])]).toEqual([
      'attributes-charset',
      'attributes-natural-language',
      'z',
      'b',
      'a',
    ]);
  });

  test('refuses to send what the format cannot say', () => {
    expect(() => send([{ tag: 'text', value: 'x'.repeat(65_536) }])).toThrow(/65536 bytes/);
    expect(() => send(integer(1), 'n'.repeat(256))).toThrow(/256 bytes/);
    expect(() => send(integer(1), '')).toThrow(/no name/);
    expect(() => send([])).toThrow(/no value/);
    expect(() => send(integer(2 ** 31))).toThrow(RangeError);
    expect(() => send([{ tag: 'raw', code: 0x37, value: new Uint8Array() }])).toThrow(/none of a value/);
    expect(() => send([{ tag: 'raw', code: 3, value: new Uint8Array() }])).toThrow(/none of a value/);
  });
});

/** Each is a fault that the parsers of the registry have; the numbers are theirs. */
describe('Where other IPP parsers go wrong, ours', () => {
  test('answers the message of 16 bytes that hangs three parsers for ever', () => {
    const bytes = hex('0101 000b 00000001 04 44 0001 61 fffa 03');
    expect(bytes).toHaveLength(16);
    expect(() => decodeIpp(bytes, 'request')).toThrow(/ends before its attributes do/);
  });

  test('reads lengths above 32767 without their sign', () => {
    expect(valuesOf(message(attribute(0x44, 'a', Buffer.alloc(65_535, 'k'))))).toEqual(keyword('k'.repeat(65_535)));
  });

  test('keeps a set of one a set', () => {
    expect(valuesOf(message(attribute(0x44, 'a', 'one')))).toEqual(keyword('one'));
  });

  test.each([
    [0x10, 'unsupported'],
    [0x12, 'unknown'],
    [0x13, 'no-value'],
  ])('keeps the out-of-band value 0x%s apart from an empty text', (code, tag) => {
    expect(valuesOf(message(attribute(code, 'a', '')))).toEqual([{ tag }]);
    expect(valuesOf(message(attribute(0x41, 'a', '')))).toEqual([{ tag: 'text', value: '' }]);
  });

  test('gives an enum that no table knows as its number', () => {
    expect(valuesOf(message(attribute(0x23, 'a', hex('00004001'))))).toEqual([{ tag: 'enum', value: 0x4001 }]);
  });

  test.each([
    ['integer', 0x21, 2],
    ['integer', 0x21, 0],
    ['enum', 0x23, 5],
    ['boolean', 0x22, 2],
    ['dateTime', 0x31, 10],
    ['resolution', 0x32, 8],
    ['rangeOfInteger', 0x33, 9],
  ])('refuses an %s (0x%s) of %s bytes', (_, code, length) => {
    expect(() => decodeIpp(message(attribute(code, 'a', Buffer.alloc(length))), 'request')).toThrow(/bytes instead of/);
  });

  test('keeps a date to the tenth of a second, with its zone', () => {
    const date = { year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 58, deciSecond: 7 };
    expect(valuesOf(message(attribute(0x31, 'a', hex('07e8 02 1d 17 3b 3a 07 2b 02 00'))))).toEqual([
      { tag: 'dateTime', value: { ...date, zoneSign: '+', zoneHour: 2, zoneMinute: 0 } },
    ]);
    expect(valuesOf(message(attribute(0x31, 'a', hex('07e8 02 1d 17 3b 3a 07 2d 03 1e'))))).toEqual([
      { tag: 'dateTime', value: { ...date, zoneSign: '-', zoneHour: 3, zoneMinute: 30 } },
    ]);
    expect(dateTime(Date.UTC(2024, 1, 29, 23, 59, 58, 700))).toMatchObject([{ value: { ...date, zoneHour: 0 } }]);
  });

  test('gives resolutions and ranges as numbers', () => {
    expect(valuesOf(message(attribute(0x32, 'a', hex('00000258 0000012c 03'))))).toEqual([
      { tag: 'resolution', x: 600, y: 300, unit: 'dpi' },
    ]);
    expect(valuesOf(message(attribute(0x33, 'a', hex('00000001 7fffffff'))))).toEqual([
      { tag: 'rangeOfInteger', lower: 1, upper: 2 ** 31 - 1 },
    ]);
  });

  test('leaves the bytes of an octetString as they are', () => {
    const bytes = hex('00ff80feefbfbd');
    expect(valuesOf(message(attribute(0x30, 'a', bytes)))).toEqual([
      { tag: 'octetString', value: new Uint8Array(bytes) },
    ]);
  });

  test('gives a text with its language in two parts', () => {
    const bytes = Buffer.concat([u16(2), Buffer.from('de'), u16(5), Buffer.from('Grüß')]);
    expect(() => valuesOf(message(attribute(0x35, 'a', bytes)))).toThrow(/lengths inside/);
    const right = Buffer.concat([u16(2), Buffer.from('de'), u16(6), Buffer.from('Grüß')]);
    expect(valuesOf(message(attribute(0x35, 'a', right)))).toEqual([
      { tag: 'textWithLanguage', language: 'de', value: 'Grüß' },
    ]);
  });

  test('keeps letters above 0x7F in an uri, and text that is no UTF-8 as its bytes', () => {
    expect(valuesOf(message(attribute(0x45, 'a', 'ipp://bürö')))).toEqual([{ tag: 'uri', value: 'ipp://bürö' }]);
    expect(valuesOf(message(attribute(0x41, 'a', hex('42fc726f'))))).toEqual([
      { tag: 'raw', code: 0x41, value: new Uint8Array(hex('42fc726f')) },
    ]);
  });

  test('keeps an extension tag with its bytes', () => {
    const value = new Uint8Array(hex('40000001ff'));
    expect(valuesOf(message(attribute(0x7f, 'a', Buffer.from(value)), attribute(0x21, 'b', hex('00000005'))))).toEqual([
      { tag: 'raw', code: 0x7f, value },
    ]);
  });

  test('reads sets of collections and collections in collections', () => {
    const inner = collection({ x: integer(1) });
    const values = collection({ size: inner, sides: keyword('one', 'two') }, { size: inner });
    const request = { ...requestOf('Print-Job', {}), groups: [group('job', { a: values })] };
    expect(decodeIpp(encodeIpp(request), 'request').message).toEqual(request);
  });

  test('refuses collections 20,000 deep without running out of stack', () => {
    const deep = Buffer.concat([
      attribute(0x34, 'a', ''),
      ...Array.from({ length: 20_000 }, () => Buffer.concat([attribute(0x4a, '', 'm'), attribute(0x34, '', '')])),
    ]);
    expect(() => decodeIpp(message(deep), 'request')).toThrow(/16 deep/);
  });

  test('allows 16 collections in each other and no seventeenth', () => {
    expect(() => decodeIpp(nested(16), 'request')).not.toThrow();
    expect(() => decodeIpp(nested(17), 'request')).toThrow(/16 deep/);
  });

  test('takes __proto__ and constructor for names like any other', () => {
    const bytes = message(attribute(0x44, '__proto__', 'x'), attribute(0x44, 'constructor', 'y'));
    expect(valuesOf(bytes, '__proto__')).toEqual(keyword('x'));
    expect(valuesOf(bytes, 'constructor')).toEqual(keyword('y'));
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(() =>
      valuesOf(
        message(
          attribute(0x34, 'a', ''),
          attribute(0x4a, '', '__proto__'),
          attribute(0x44, '', 'x'),
          attribute(0x37, '', ''),
        ),
      ),
    ).not.toThrow();
  });

  test('refuses a request with the same attribute twice, and takes the first one of an answer', () => {
    const bytes = message(attribute(0x44, 'a', 'first'), attribute(0x44, 'a', 'second'), attribute(0x44, '', 'third'));
    expect(() => decodeIpp(bytes, 'request')).toThrow(/"a" twice/);
    expect(valuesOf(bytes)).toEqual(keyword('first'));
  });

  test('is told whether a message is a request, and never guesses it from the code', () => {
    const bytes = hex('0101 0004 00000001 03');
    expect(decodeIpp(bytes, 'request').message).toMatchObject({ operation: 4 });
    expect(decodeIpp(bytes, 'response').message).toMatchObject({ status: 4 });
    expect(decodeIpp(bytes, 'response').message).not.toHaveProperty('operation');
  });

  test('keeps vendor attributes, the unsupported group, several groups of jobs, and the request-id 0', () => {
    const response: IppResponse = {
      version: { major: 1, minor: 1 },
      status: 1,
      requestId: 0,
      groups: [
        operationGroup({}),
        group('unsupported', { 'x-vendor-thing': [{ tag: 'unsupported' }] }),
        group('job', { 'job-id': integer(1), 'x-acme': keyword('yes') }),
        group('job', { 'job-id': integer(2) }),
      ],
    };
    expect(decodeIpp(encodeIpp(response), 'response').message).toEqual(response);
  });

  test('leaves a binary document behind the attributes as it is', () => {
    const document = hex('25504446 ffd8 00 0304');
    expect(decodeIpp(Buffer.concat([message(attribute(0x44, 'a', 'x')), document]), 'request').rest).toEqual(document);
  });

  test('refuses a message cut off at any byte', () => {
    const bytes = encodeIpp(
      requestOf(
        'Print-Job',
        { 'job-name': keyword('x') },
        group('job', { 'media-col': collection({ a: integer(1) }) }),
      ),
    );
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeIpp(bytes.subarray(0, length), 'request')).toThrow(/ends before/);
  });
});

describe('The IPP decoder refuses', () => {
  test.each([
    ['an attribute before any group', hex('0101 000b 00000001 44 0001 61 0001 61 03')],
    ['the reserved group 0', hex('0101 000b 00000001 00 03')],
    ['a value without name at the begin of a group', message(attribute(0x44, '', 'x'))],
    ['a collection without end', message(attribute(0x34, 'a', ''))],
    ['a group within a collection', message(attribute(0x34, 'a', ''), hex('02'))],
    ['an end of no collection', message(attribute(0x37, 'a', ''))],
    ['a member of no collection', message(attribute(0x4a, 'a', 'b'))],
    ['a member without value', message(attribute(0x34, 'a', ''), attribute(0x4a, '', 'm'), attribute(0x37, '', ''))],
    ['a member without name', message(attribute(0x34, 'a', ''), attribute(0x4a, '', ''), attribute(0x37, '', ''))],
    ['a value before any member', message(attribute(0x34, 'a', ''), attribute(0x44, '', 'x'), attribute(0x37, '', ''))],
    [
      'a named attribute inside a collection',
      message(attribute(0x34, 'a', ''), attribute(0x44, 'b', 'x'), attribute(0x37, '', '')),
    ],
    ['the begin of a collection with bytes', message(attribute(0x34, 'a', 'x'), attribute(0x37, '', ''))],
    ['a name that is no UTF-8', message(Buffer.concat([hex('44 0002 c328 0001 78')]))],
    ['a name of 256 bytes', message(attribute(0x44, 'n'.repeat(256), 'x'))],
  ])('%s', (_, bytes) => {
    expect(() => decodeIpp(bytes, 'request')).toThrow(expect.objectContaining({ code: 'bad-message' }));
    expect(() => decodeIpp(bytes, 'response')).toThrow(expect.objectContaining({ code: 'bad-message' }));
  });

  test('more attributes, members included, than its limit', () => {
    expect(() => decodeIpp(many(networkLimits.attributes), 'request')).not.toThrow();
    expect(() => decodeIpp(many(networkLimits.attributes + 1), 'request')).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    );
  });

  test('a message above a megabyte, before it has come whole', () => {
    const decoder = new IppDecoder('request');
    decoder.write(message().subarray(0, 9));
    const value = attribute(0x41, 'a', Buffer.alloc(65_000));
    let sent = 0;
    expect(() => {
      for (; sent < 100; sent++) decoder.write(Buffer.concat([hex('02'), value]));
    }).toThrow(expect.objectContaining({ code: 'too-large' }));
    expect(sent).toBe(16);
  });
});

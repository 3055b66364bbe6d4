import parse from 'ipp/lib/parser.js';
import serialize from 'ipp/lib/serializer.js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  boolean,
  collection,
  enumeration,
  group,
  integer,
  keyword,
  mimeMediaType,
  name,
  range,
  requestOf,
  uri,
} from '../../agent/printing/ipp-attributes.ts';
import { decodeIpp } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { operations } from '../../agent/printing/ipp-tables.ts';

const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
/** It cuts the top bit off keywords and addresses. */
const ascii = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 });
const words = fc.string({ unit: 'grapheme', maxLength: 30 });

test('The package ipp reads what we write, where it reads right', () => {
  const parts = fc.tuple(int32, ascii, words, fc.boolean());
  fc.assert(
    fc.property(parts, ([number, word, title, flag]) => {
      const bytes = encodeIpp(
        requestOf(
          'Print-Job',
          { 'printer-uri': uri(`ipp://host/${word}`), 'job-name': name(title) },
          group('job', {
            copies: integer(number),
            sides: keyword(word, 'two-sided-long-edge'),
            'job-mandatory': boolean(flag),
            'page-ranges': range(1, 2 ** 31 - 1),
            'media-col': collection({ 'media-size': collection({ 'x-dimension': integer(number) }) }),
          }),
        ),
      );
      const read = parse(bytes);
      expect(read).toMatchObject({ version: '2.0', operation: 'Print-Job', id: 1 });
      expect(read['operation-attributes-tag']).toMatchObject({
        'printer-uri': `ipp://host/${word}`,
        'job-name': title,
      });
      expect(read['job-attributes-tag']).toMatchObject({
        copies: number,
        sides: [word, 'two-sided-long-edge'],
        'job-mandatory': flag,
        'page-ranges': [1, 2 ** 31 - 1],
        'media-col': { 'media-size': { 'x-dimension': number } },
      });
    }),
  );
});

test('We read what the package ipp writes, where it writes right', () => {
  fc.assert(
    fc.property(fc.nat({ max: 99 }), ascii, words, (copies, word, title) => {
      const bytes = serialize({
        version: '2.0',
        operation: 'Print-Job',
        id: 77,
        'operation-attributes-tag': {
          'attributes-charset': 'utf-8',
          'attributes-natural-language': 'en',
          'printer-uri': `ipp://host/${word}`,
          'job-name': title,
          'document-format': 'application/pdf',
        },
        'job-attributes-tag': {
          copies,
          sides: 'two-sided-short-edge',
          'print-quality': 'high',
          'media-col': { 'media-size': { 'x-dimension': copies, 'y-dimension': 29_700 } },
        },
        data: Buffer.from('%PDF'),
      });
      const { message, rest } = decodeIpp(bytes, 'request');
      expect(message).toMatchObject({
        operation: operations['Print-Job'],
        requestId: 77,
        version: { major: 2, minor: 0 },
      });
      const [operation, job] = message.groups;
      expect(operation?.attributes.get('job-name')).toEqual(name(title));
      expect(operation?.attributes.get('printer-uri')).toEqual(uri(`ipp://host/${word}`));
      expect(operation?.attributes.get('document-format')).toEqual(mimeMediaType('application/pdf'));
      expect(job?.attributes.get('copies')).toEqual(integer(copies));
      expect(job?.attributes.get('sides')).toEqual(keyword('two-sided-short-edge'));
      expect(job?.attributes.get('print-quality')).toEqual(enumeration(5));
      const size = collection({ 'x-dimension': integer(copies), 'y-dimension': integer(29_700) });
      expect(job?.attributes.get('media-col')).toEqual(collection({ 'media-size': size }));
      expect(rest.toString()).toBe('%PDF');
    }),
  );
});

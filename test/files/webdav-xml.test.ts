import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NethoodError } from '../../protocol/errors.ts';
import {
  davChild,
  elementsOf,
  escapeXml,
  parseXml,
  readXml,
  xmlLimits,
  xmlText,
} from '../../agent/files/webdav-xml.ts';
import { codeOf } from './files-support.ts';

function parse(text: string) {
  return parseXml(Buffer.from(text));
}

function codeOfParsing(bytes: Buffer): string {
  try {
    parseXml(bytes);
  } catch (error) {
    return error instanceof NethoodError ? error.code : String(error);
  }
  return 'no error';
}

describe('XML of a request', () => {
  it('is read with namespaces, whatever the prefixes', () => {
    for (const text of [
      '<propfind xmlns="DAV:"><prop/></propfind>',
      '<x:propfind xmlns:x="DAV:"><x:prop/></x:propfind>',
    ])
      expect(davChild(parse(text), 'prop')).toMatchObject({ namespace: 'DAV:', local: 'prop' });
    expect(davChild(parse('<propfind><prop xmlns="DAX:"/></propfind>'), 'prop')).toBeUndefined();
  });

  it('may be UTF-16, and have a byte order mark', () => {
    const text = '<?xml version="1.0"?><a>Grüße 😀</a>';
    const little = Buffer.from(`\uFEFF${text}`, 'utf16le');
    for (const bytes of [Buffer.from(text), Buffer.from(`\uFEFF${text}`), little, Buffer.from(little).swap16()])
      expect(parseXml(bytes).children).toEqual(['Grüße 😀']);
  });

  it.each([
    ['nothing', ''],
    ['no XML', 'hello'],
    ['an element without end', '<a><b></a>'],
    ['a second root', '<a/><b/>'],
    ['an undeclared prefix', '<x:a/>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a document type', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ['entities that grow', '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'],
    ['a character that XML lacks', '<a>\u0001</a>'],
  ])('is refused with %s', (_what, text) => {
    expect(codeOfParsing(Buffer.from(text))).toBe('bad-request');
  });

  it('is refused where it is not UTF-8', () => {
    expect(codeOfParsing(Buffer.concat([Buffer.from('<a>'), Buffer.from([0xff, 0xfe]), Buffer.from('</a>')]))).toBe(
      'bad-request',
    );
  });

  it('is bounded in length, depth and number', async () => {
    expect(codeOfParsing(Buffer.from('<a>'.repeat(xmlLimits.depth + 1)))).toBe('too-large');
    expect(codeOfParsing(Buffer.from(`<a>${'<b/>'.repeat(xmlLimits.elements)}</a>`))).toBe('too-large');
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(50_000, 'long ');
      })(),
    );
    expect(await codeOf(readXml(endless))).toBe('too-large');
    expect(await readXml(Readable.from([]))).toBeUndefined();
  });
});

describe('an element as text', () => {
  it.each([
    '<a/>',
    '<a xmlns="urn:x">text &amp; &lt;more&gt; &quot;</a>',
    '<p:a xmlns:p="urn:p" xmlns:q="urn:q" q:b="1" c="&quot;&amp;"><q:d/><e/>tail</p:a>',
    '<a xml:lang="de" xmlns="urn:x"><b xml:lang="en"/><b/></a>',
    '<a xmlns="urn:x"><b xmlns=""/></a>',
    '<a>one&#13;\ntwo<![CDATA[<b>]]></a>',
  ])('means the same: %s', (text) => {
    const element = parse(text);
    expect(withoutPrefixOrder(parse(xmlText(element)))).toEqual(withoutPrefixOrder(element));
  });

  it('takes the language along that was said around it', () => {
    const [inner] = elementsOf(parse('<a xml:lang="de"><b>hallo</b></a>'));
    expect(inner === undefined ? '' : xmlText(inner)).toContain('xml:lang="de"');
  });

  it('holds any text', () => {
    const codeUnit = fc.nat(0xffff).map((unit) => String.fromCharCode(unit));
    fc.assert(
      fc.property(fc.string({ unit: codeUnit }), (text) => {
        const allowed = text.replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
        const read = parse(`<a>${escapeXml(text)}</a>`).children.filter((child) => typeof child === 'string');
        expect(read.join('')).toBe(allowed);
      }),
    );
  });
});

it('nothing but our own errors comes out of mutated documents', () => {
  const whole = Buffer.from(
    '<?xml version="1.0" encoding="utf-8"?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z"><D:set><D:prop>' +
      '<Z:a Z:b="c">&#x1F600;<![CDATA[x]]><!-- y --></Z:a></D:prop></D:set></D:propertyupdate>',
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      expect(['no error', 'bad-request', 'too-large']).toContain(codeOfParsing(bytes));
    }),
    { numRuns: 500 },
  );
});

/** Two texts of one element differ in their order of attributes, and in runs of text. */
function withoutPrefixOrder(element: ReturnType<typeof parse>): unknown {
  const { namespace, local, attributes, children, language } = element;
  const texts = children.map((child) => (typeof child === 'string' ? child : withoutPrefixOrder(child)));
  const merged = texts.reduce<unknown[]>((list, child) => {
    const last = list.at(-1);
    if (typeof child === 'string' && typeof last === 'string') list[list.length - 1] = last + child;
    else list.push(child);
    return list;
  }, []);
  return {
    namespace,
    local,
    language,
    attributes: new Set(attributes.map(({ value, local: name }) => name + value)),
    merged,
  };
}

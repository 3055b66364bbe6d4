import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { hrefOf, targetOf, targetOfUrl } from '../../agent/files/webdav-target.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { parseWirePath, pathFromComponents, rootPath } from '../../protocol/wire-path.ts';

it.each([
  ['', '', true],
  ['a', 'a', false],
  ['a/', 'a', true],
  ['a//b', 'a/b', false],
  ["a(1)'s!", 'a%281%29%27s%21', false],
  ['%61%7e%c3%bc', 'a~%C3%BC', false],
  ['\u00C3\u00BC', '%C3%BC', false],
  ['100%25', '100%25', false],
  ['%ff', '%FF', false],
])('the URL path "%s" leads to "%s"', (text, path, slash) => {
  expect(targetOf(text)).toEqual({ path, slash });
});

it.each(['..', 'a/../b', '%2e%2e', 'a/%2E./b', '.', 'a%2fb', 'a%00', '%', '%zz', 'a#b', 'a?b', 'a b', 'a\\b', 'a"b'])(
  'the URL path "%s" is refused',
  (text) => {
    expect(() => targetOf(text)).toThrow(NethoodError);
  },
);

const place = { prefix: '/dav/secret/', headers: { host: '127.0.0.1:6630' } };

it.each([
  ['http://127.0.0.1:6630/dav/secret/a/b', 'a/b'],
  ['https://127.0.0.1:6630/dav/secret/a/', 'a'],
  ['HTTP://127.0.0.1:6630/dav/%73ecret/a', 'a'],
  ['/dav/secret/a', 'a'],
  ['/dav/secret/', ''],
  ['/dav/secret', ''],
])('Destination %s is "%s" here', (url, path) => {
  expect(targetOfUrl(url, place)?.path).toBe(path);
});

it.each([
  'http://elsewhere/dav/secret/a',
  'http://127.0.0.1/dav/secret/a',
  'http://user@127.0.0.1:6630/dav/secret/a',
  '/dav/secretive/a',
  '/dav/other/a',
  'ftp://127.0.0.1:6630/dav/secret/a',
  'a',
  '',
  '/dav/secret/a?b',
])('Destination %s is not here', (url) => {
  expect(targetOfUrl(url, place)).toBeUndefined();
});

it('leads back from every href', () => {
  const name = fc.uint8Array({ minLength: 1, maxLength: 30 }).filter((bytes) => {
    const text = Buffer.from(bytes).toString('latin1');
    return !bytes.includes(0) && !bytes.includes(0x2f) && text !== '.' && text !== '..';
  });
  fc.assert(
    fc.property(fc.array(name, { maxLength: 5 }), fc.constantFrom('file', 'folder'), (names, kind) => {
      const path = pathFromComponents(names);
      expect(targetOfUrl(hrefOf('/dav/secret/', path, kind), place)?.path).toBe(path);
    }),
  );
  expect(hrefOf('/dav/secret/', rootPath, 'folder')).toBe('/dav/secret/');
  expect(hrefOf('/dav/secret/', parseWirePath('a%20b'), 'folder')).toBe('/dav/secret/a%20b/');
});

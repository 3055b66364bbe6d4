import { expect, test } from 'vitest';
import {
  attributes,
  collection,
  integer,
  keyword,
  name,
  octetString,
  range,
  type AttributeTable,
} from '../../agent/printing/ipp-attributes.ts';
import { checkTemplate } from '../../agent/printing/job-template.ts';

const printer = attributes({
  'copies-supported': range(1, 99),
  'media-supported': keyword('iso_a4_210x297mm', 'custom_min_10x10mm', 'custom_max_300x400mm'),
  'media-col-supported': keyword('media-size', 'media-type'),
  'page-ranges-supported': [{ tag: 'boolean', value: true }],
});

const taken = (asked: AttributeTable): boolean => checkTemplate(attributes(asked), printer).unsupported.size === 0;
const size = collection({ 'x-dimension': integer(21_000), 'y-dimension': integer(29_700) });

test.each<[string, AttributeTable]>([
  ['a number in the range', { copies: integer(99) }],
  ['a size that is offered', { media: keyword('iso_a4_210x297mm') }],
  ['a custom size', { media: keyword('custom_mine_100.5x200mm') }],
  [
    'a collection of known members',
    { 'media-col': collection({ 'media-size': size, 'media-type': keyword('photo') }) },
  ],
  ['ranges of pages', { 'page-ranges': [...range(1, 1), ...range(3, 2 ** 31 - 1)] }],
])('%s is taken', (_, asked) => {
  expect(taken(asked)).toBe(true);
  expect(checkTemplate(attributes(asked), printer).template).toEqual(attributes(asked));
});

test.each<[string, AttributeTable]>([
  ['a number beyond the range', { copies: integer(1_000_000_000) }],
  ['a negative number', { copies: integer(-1) }],
  ['a path as a size', { media: keyword('../../x') }],
  ['words behind a custom size', { media: keyword('custom_mine_1x1mm PageSize=x') }],
  ['a shell in a custom size', { media: keyword('custom_$(reboot)_1x1mm') }],
  ['an unknown member', { 'media-col': collection({ 'media-key': keyword('x') }) }],
  ['a shell in a member', { 'media-col': collection({ 'media-type': keyword('; reboot') }) }],
  ['a new line in a member', { 'media-col': collection({ 'media-type': name('a\nb') }) }],
  [
    'a shell in a member of a member',
    { 'media-col': collection({ 'media-size': collection({ 'x-dimension': keyword('$(reboot)') }) }) },
  ],
  ['page 0', { 'page-ranges': range(0, 1) }],
  ['pages backwards', { 'page-ranges': range(3, 2) }],
  ['more ranges than anybody asks for', { 'page-ranges': Array.from({ length: 1_001 }, () => range(1, 2)).flat() }],
  ['a size without end', { media: keyword(`custom_${'9'.repeat(60_000)}_1x1mm`) }],
  ['a name without end in a member', { 'media-col': collection({ 'media-type': name('x'.repeat(256)) }) }],
  ['another syntax', { 'page-ranges': octetString('1-2') }],
  ['an attribute that the printer does not have', { sides: keyword('one-sided') }],
])('%s is left out, and named', (_, asked) => {
  const { template, unsupported } = checkTemplate(attributes(asked), printer);
  expect([...unsupported.keys()]).toEqual(Object.keys(asked));
  expect(template.size).toBe(0);
});

test('A ticket of too many attributes is cut off where it becomes a burden, and what is left out is named', () => {
  const long = Array.from({ length: 150 }, () => collection({ 'media-type': name('x'.repeat(255)) })).flat();
  const asked = attributes({ copies: integer(2), 'page-ranges': range(1, 2), 'media-col': long });
  const once = checkTemplate(asked, printer);
  expect([...once.template.keys()]).toEqual(['copies', 'page-ranges', 'media-col']);
  const more = attributes({ 'media-col': [...long, ...long], copies: integer(2) });
  const { template, unsupported } = checkTemplate(more, printer);
  expect([...template.keys()]).toEqual(['copies']);
  expect([...unsupported.keys()]).toEqual(['media-col']);
});

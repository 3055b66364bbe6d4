import { expect, it } from 'vitest';
import { type GivenName, namesGiven, shareFolders } from '../../agent/files/drive-names.ts';
import { DeviceId, ShareId, ShareName } from '../../protocol/ids.ts';

const idOf = (start: string): DeviceId => DeviceId.parse(start.padEnd(52, 'a'));
const known = (...neighbours: [start: string, name: string][]) =>
  neighbours.map(([start, name]) => ({ id: idOf(start), name }));
const share = (start: string, name: string) =>
  ({ id: ShareId.parse(start.padEnd(26, 'a')), name: ShareName.parse(name), rights: 'read' }) as const;
const named = (given: readonly GivenName[]): string[] => given.map(({ name }) => name);

it('a neighbour has a folder by its name', () => {
  expect(named(namesGiven([], known(['k3q7x2mf', 'Anna on PC 3'], ['bbbb', 'Bob'])))).toEqual(['Anna on PC 3', 'Bob']);
});

it('a name that is given stays with its device, whoever else calls itself so and whoever is listed first', () => {
  const first = namesGiven([], known(['k3q7x2mf', 'Anna']));
  const both = namesGiven(first, known(['bbbbcccc', 'Anna'], ['k3q7x2mf', 'Anna']));
  expect(named(both)).toEqual(['Anna (bbbb-cccc)', 'Anna']);
  // Case and normalisation make no difference to people, nor to some systems.
  expect(named(namesGiven(first, known(['bbbbcccc', 'ANNA'], ['k3q7x2mf', 'Anna'])))).toEqual([
    'ANNA (bbbb-cccc)',
    'Anna',
  ]);
});

it('who renames itself has the new name; its old one is free', () => {
  const before = namesGiven([], known(['k3q7', 'Anna'], ['bbbb', 'Bob']));
  const after = namesGiven(before, known(['k3q7', 'Anne'], ['bbbb', 'Bob'], ['cccc', 'Anna']));
  expect(named(after)).toEqual(['Anne', 'Bob', 'Anna']);
});

it('who takes the name of a clash that is to come cannot stop it', () => {
  const given = namesGiven([], known(['dddd', 'Anna (bbbb-cccc)'], ['k3q7', 'Anna']));
  expect(named(namesGiven(given, known(['dddd', 'Anna (bbbb-cccc)'], ['k3q7', 'Anna'], ['bbbbcccc', 'Anna'])))).toEqual(
    ['Anna (bbbb-cccc)', 'Anna', idOf('bbbbcccc')],
  );
});

it('a forgotten neighbour leaves its name', () => {
  expect(namesGiven(namesGiven([], known(['k3q7', 'Anna'])), [])).toEqual([]);
});

it('names that a system cannot show, or that lead elsewhere, become ones that every system can', () => {
  const odd = ['a/b', '..', 'C:x', 'NUL', 'what?', 'dot.'];
  const neighbours = odd.map((name, at) => ({ id: idOf('bcdefg'.charAt(at)), name }));
  expect(named(namesGiven([], neighbours))).toEqual(['a_b', '._', 'C_x', 'NUL_', 'what_', 'dot_']);
});

it('shares of one name, which only a hostile agent has, are told apart', () => {
  expect(shareFolders([share('bbbbcccc', 'Docs'), share('ddddeeee', 'docs'), share('f', 'Music')])).toEqual([
    'Docs',
    'docs (ddddeeee)',
    'Music',
  ]);
});

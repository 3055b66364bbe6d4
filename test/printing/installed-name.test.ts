import { expect, test } from 'vitest';
import { installedQueueInfo, installedQueueName } from '../../agent/printing/installed-name.ts';

const named = (printer: string, neighbour: string, taken: string[] = []): string =>
  installedQueueName({ printer, neighbour }, taken);

test.each([
  ['Laser', 'Anna', 'Laser_Anna'],
  ['HP LaserJet 400 (M401)', 'anna on pc-1', 'HP-LaserJet-400-M401_anna-on-pc-1'],
  ['Büro: Drucker', 'Zoë', 'Buro-Drucker_Zoe'],
  ['打印机', 'Юля', 'printer_neighbour'],
  ['3D', 'x', 'p3D_x'],
  ['; rm -rf / #', "'$(reboot)`'", 'rm-rf_reboot'],
  ['../../etc/passwd', '\n*cupsFilter2: "x"', 'etc-passwd_cupsFilter2-x'],
  ['-E', '--help', 'E_help'],
])('a queue for %j of %j is called %s', (printer, neighbour, expected) => {
  expect(named(printer, neighbour)).toBe(expected);
});

test('A name that is taken, in whatever case, gets a number', () => {
  expect(named('Laser', 'Anna', ['laser_anna'])).toBe('Laser_Anna_2');
  expect(named('Laser', 'Anna', ['LASER_ANNA', 'Laser_Anna_2'])).toBe('Laser_Anna_3');
});

test('However long the words are, CUPS takes the name', () => {
  expect(named('a'.repeat(500), 'b'.repeat(500))).toHaveLength(61);
});

test('People read whose it is', () => {
  expect(installedQueueInfo({ printer: 'Laser', neighbour: 'Anna on pc1' })).toBe('Laser (Anna on pc1)');
});

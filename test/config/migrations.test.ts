import { describe, expect, test } from 'vitest';
import { migrate, type Migration, migrations, newerVersion } from '../../config/migrations.ts';
import { checkConfig } from '../../config/parse.ts';
import { configVersion } from '../../config/schema.ts';

/** One full file of each version ever released: they must be readable for ever. */
const released: Readonly<Record<number, unknown>> = {
  1: {
    version: 1,
    name: 'Ann on desk-3',
    paused: true,
    shares: [
      {
        id: 'abcdefghijklmnopqrstuvwxyz',
        name: 'Plans',
        folder: '/home/ann/Plans',
        audience: 'everyone',
        rights: 'read',
      },
      {
        id: 'bbcdefghijklmnopqrstuvwxyz',
        name: 'Team',
        folder: '/srv/team',
        audience: ['a'.repeat(52)],
        rights: 'write',
      },
    ],
    printers: [{ queue: 'laser', audience: 'colleagues' }],
    lan: { networks: ['10.20.0.0/16', 'fd00::/8'], use: ['eth1'], ignore: ['wlan0'] },
    printing: { pdf: false, largestDocument: 1_000_000, reserve: 0 },
    log: { level: 'debug' },
  },
};

describe('migrations', () => {
  test('the table leads from version 1 to the present one without a gap', () => {
    expect(migrations.map(({ from }) => from)).toEqual(Array.from({ length: configVersion - 1 }, (_, at) => at + 1));
    for (const { reason } of migrations) expect(reason).not.toBe('');
  });

  test('a file of each released version is readable', () => {
    for (let version = 1; version <= configVersion; version++) {
      expect(checkConfig(released[version], 'config.json'), `version ${version}`).toHaveProperty(
        'config.version',
        configVersion,
      );
    }
  });

  test('each step starts at the version of the file and leaves its input alone', () => {
    const steps: Migration[] = [
      { from: 1, reason: 'a', step: (old) => ({ ...old, version: 2, one: true }) },
      { from: 2, reason: 'b', step: (old) => ({ ...old, version: 3, two: true }) },
    ];
    const first = Object.freeze({ version: 1, kept: 'x' });
    expect(migrate(first, steps)).toEqual({ version: 3, kept: 'x', one: true, two: true });
    expect(migrate({ version: 2 }, steps)).toEqual({ version: 3, two: true });
    expect(migrate({ version: 3 }, steps)).toEqual({ version: 3 });
    expect(migrate({ version: 'x' }, steps)).toEqual({ version: 'x' });
  });

  test('a newer version is known as such', () => {
    expect(newerVersion({ version: configVersion + 1 })).toBe(configVersion + 1);
    expect(newerVersion({ version: configVersion })).toBeUndefined();
    expect(newerVersion({ version: '9' })).toBeUndefined();
  });
});

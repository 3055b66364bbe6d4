import { describe, expect, test } from 'vitest';
import { pathsOf } from '../../config/paths.ts';

const linux = { platform: 'linux', userHome: '/home/ann', env: {} } as const;

describe('where an agent keeps its files', () => {
  test('Linux follows the XDG defaults', () => {
    expect(pathsOf({ ...linux, env: { XDG_RUNTIME_DIR: '/run/user/1000' } })).toEqual({
      config: '/home/ann/.config/nethood',
      state: '/home/ann/.local/state/nethood',
      run: '/run/user/1000/nethood',
      files: '/home/ann/Nethood',
    });
  });

  test('without XDG_RUNTIME_DIR the run folder lies in the state folder', () => {
    expect(pathsOf(linux).run).toBe('/home/ann/.local/state/nethood/run');
  });

  test('XDG variables move config and state; relative and empty ones are ignored', () => {
    const env = { XDG_CONFIG_HOME: '/etc/ann', XDG_STATE_HOME: 'state', XDG_RUNTIME_DIR: '' };
    expect(pathsOf({ ...linux, env })).toEqual({
      config: '/etc/ann/nethood',
      state: '/home/ann/.local/state/nethood',
      run: '/home/ann/.local/state/nethood/run',
      files: '/home/ann/Nethood',
    });
  });

  test.each(['linux', 'darwin'] as const)('one home folder holds everything on %s', (platform) => {
    const home = { config: '/srv/nh', state: '/srv/nh/state', run: '/srv/nh/run', files: '/srv/nh/files' };
    const env = { XDG_CONFIG_HOME: '/etc/ann', XDG_RUNTIME_DIR: '/run/user/1000' };
    expect(pathsOf({ platform, userHome: '/home/ann', env, home: '/srv/nh' })).toEqual(home);
    expect(pathsOf({ platform, userHome: '/home/ann', env: { ...env, NETHOOD_HOME: '/srv/nh' } })).toEqual(home);
  });

  test('--home goes before NETHOOD_HOME, and an empty NETHOOD_HOME is none', () => {
    expect(pathsOf({ ...linux, env: { NETHOOD_HOME: '/b' }, home: '/a' }).config).toBe('/a');
    expect(pathsOf({ ...linux, env: { NETHOOD_HOME: '' } }).config).toBe('/home/ann/.config/nethood');
  });

  test('macOS uses Application Support', () => {
    expect(pathsOf({ platform: 'darwin', userHome: '/Users/ann', env: { XDG_CONFIG_HOME: '/ignored' } })).toEqual({
      config: '/Users/ann/Library/Application Support/nethood',
      state: '/Users/ann/Library/Application Support/nethood/state',
      run: '/Users/ann/Library/Application Support/nethood/run',
      files: '/Users/ann/Nethood',
    });
  });

  test('Windows uses LOCALAPPDATA, or where it usually is', () => {
    const userHome = 'C:\\Users\\ann';
    const usual = 'C:\\Users\\ann\\AppData\\Local\\nethood';
    expect(pathsOf({ platform: 'win32', userHome, env: {} })).toEqual({
      config: usual,
      state: `${usual}\\state`,
      run: `${usual}\\run`,
      files: 'C:\\Users\\ann\\Nethood',
    });
    expect(pathsOf({ platform: 'win32', userHome, env: { LOCALAPPDATA: 'D:\\app' } }).state).toBe(
      'D:\\app\\nethood\\state',
    );
    expect(pathsOf({ platform: 'win32', userHome, env: {}, home: 'D:\\nh' }).files).toBe('D:\\nh\\files');
  });
});

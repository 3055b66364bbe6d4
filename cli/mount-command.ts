/** The one command of each system that makes a drive of an address of WebDAV. Pure. */

export interface MountFacts {
  readonly platform: NodeJS.Platform;
  /** Of the drive; `http://127.0.0.1:…/dav/…/`. */
  readonly url: string;
  /** Programs that are installed, of those asked about. */
  readonly has: (program: string) => boolean;
  readonly user: string;
}

type Words = readonly [string, ...string[]];

/** Its words; none of them has anything in it that a shell would read in its own way but for quotes and spaces. */
export function mountCommand({ platform, url, has, user }: MountFacts): Words {
  if (platform === 'win32') return ['net', 'use', '*', url.replace(/\/$/, '')];
  if (platform === 'darwin') return ['osascript', '-e', `mount volume "${url}"`];
  if (!has('gio') && has('mount.davfs')) return ['sudo', 'mount', '-t', 'davfs', '-o', `uid=${user}`, url, '/mnt'];
  // GNOME, Xfce, Cinnamon, MATE: all file managers upon GLib.
  return ['gio', 'mount', url.replace(/^http/, 'dav')];
}

/** As a line to copy. */
export function shownCommand(words: Words): string {
  return words.map((word) => (/^[\w@%+=:,./*-]+$/.test(word) ? word : `'${word}'`)).join(' ');
}

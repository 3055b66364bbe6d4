import { describe, expect, it } from 'vitest';
import { notifyCommand } from '../../agent/platform/notify-command.ts';

const bus = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus' };
const note = { title: 'Printed', text: '"a.pdf" is printed on Anna/laser.', urgent: false };
const hostile = { ...note, text: '--help <b>x</b> & \u001b[2J\n$(rm -rf ~)`"\u202e;' };

describe('a notification', () => {
  it('is shown by notify-send where a session bus is', () => {
    expect(notifyCommand('linux', bus, note)).toEqual({
      file: 'notify-send',
      args: ['--app-name=nethood', '--icon=printer', '--urgency=normal', '--', 'Printed', note.text],
    });
  });

  it('stays on the screen where somebody must act', () => {
    expect(notifyCommand('linux', bus, { ...note, urgent: true })?.args).toContain('--urgency=critical');
  });

  it('is left out where there is no desktop', () => {
    expect(notifyCommand('linux', {}, note)).toBeUndefined();
  });

  it('shows what strangers wrote as text: no option, no markup, no line of its own', () => {
    const { args = [] } = notifyCommand('linux', bus, hostile) ?? {};
    expect(args.slice(-3)).toEqual(['--', 'Printed', '--help &lt;b&gt;x&lt;/b&gt; &amp; [2J $(rm -rf ~)`" ;']);
  });

  it('gives AppleScript its words as arguments, never as script', () => {
    const { file, args = [] } = notifyCommand('darwin', {}, hostile) ?? {};
    expect(file).toBe('/usr/bin/osascript');
    expect(args.slice(0, -2).join(' ')).not.toContain('rm -rf');
    expect(args.slice(-3, -1)).toEqual(['--', 'Printed']);
  });

  it('gives PowerShell its words by stdin, in ASCII, and a script that never changes', () => {
    const [one, other] = [note, { ...hostile, text: 'Ärger "€"' }].map((each) => notifyCommand('win32', {}, each));
    expect(one?.file).toMatch(/^C:\\Windows\\System32\\.*\\powershell\.exe$/);
    expect(other?.args).toEqual(one?.args);
    expect(other?.input).toBe('{"title":"Printed","text":"\\u00c4rger \\"\\u20ac\\""}');
    expect(JSON.parse(other?.input ?? '')).toEqual({ title: 'Printed', text: 'Ärger "€"' });
  });

  it('is cut to what a desktop can show', () => {
    const { args = [] } =
      notifyCommand('linux', bus, { title: 'x'.repeat(500), text: 'ä'.repeat(5_000), urgent: false }) ?? {};
    expect(args.slice(-2).map((word) => Array.from(word).length)).toEqual([100, 500]);
  });
});

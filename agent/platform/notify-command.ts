/** Which program of this system shows a notification, and how it is told. Pure. Text never becomes part of a command: it goes as an argument of its own, or by stdin. */
import { powershellCommand } from './powershell-script.ts';

export interface Notification {
  /** A few words. */
  readonly title: string;
  /** One sentence; it may hold what strangers wrote. */
  readonly text: string;
  /** Somebody must do something: it stays until it is seen, where the desktop knows such a thing. */
  readonly urgent: boolean;
}

export interface NotifyCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly input?: string;
}

const longestTitle = 100;
const longestText = 500;

/** Undefined where nobody would see it. */
export function notifyCommand(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
  notification: Notification,
): NotifyCommand | undefined {
  const title = plain(notification.title, longestTitle);
  const text = plain(notification.text, longestText);
  if (platform === 'win32') return toast(title, text, powershellCommand(env)[0]);
  if (platform === 'darwin') return { file: '/usr/bin/osascript', args: [...appleScript, title, text] };
  if ((env['DBUS_SESSION_BUS_ADDRESS'] ?? '') === '') return undefined;
  const urgency = notification.urgent ? 'critical' : 'normal';
  // The body is markup to most desktops (Desktop Notifications Specification 1.2, "Markup"), the title never.
  const args = ['--app-name=nethood', '--icon=printer', `--urgency=${urgency}`, '--', title, escapeMarkup(text)];
  return { file: 'notify-send', args };
}

/** On one line: nobody may paint a second notification into the first, or turn its direction. */
function plain(text: string, longest: number): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  const characters = Array.from(line);
  return characters.length <= longest ? line : `${characters.slice(0, longest - 1).join('')}…`;
}

function escapeMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const appleScript = [
  '-e',
  'on run argv',
  '-e',
  'display notification (item 2 of argv) with title (item 1 of argv)',
  '-e',
  'end run',
  '--',
];

const toastScript = `
$ErrorActionPreference = 'Stop'
$said = [Console]::In.ReadToEnd() | ConvertFrom-Json
[void][Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$kind = [Windows.UI.Notifications.ToastTemplateType]::ToastText02
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent($kind)
$lines = $xml.GetElementsByTagName('text')
$lines.Item(0).InnerText = $said.title
$lines.Item(1).InnerText = $said.text
$toast = [Windows.UI.Notifications.ToastNotification]::new($xml)
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier('nethood').Show($toast)
`;

function toast(title: string, text: string, file: string): NotifyCommand {
  const script = Buffer.from(toastScript, 'utf16le').toString('base64');
  return {
    file,
    args: ['-NoProfile', '-NonInteractive', '-EncodedCommand', script],
    // ASCII alone: whatever code page its console has, it reads the same.
    input: JSON.stringify({ title, text }).replaceAll(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  };
}

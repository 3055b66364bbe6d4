/** Snapshot -> menu: pure, and of the same shape for every snapshot. */
import type { Snapshot } from '../protocol/control.ts';
import { activitySection, isBusy } from './menu-activity.ts';
import {
  askButton,
  folderButton,
  quitButton,
  label,
  optional,
  separator,
  slots,
  type IconState,
  type MenuItem,
  type MenuModel,
} from './menu-model.ts';
import { neighbourSection } from './menu-neighbours.ts';
import { ownSection } from './menu-own.ts';
import { cleanText } from './menu-text.ts';

const noticeSlots = 3;

export interface TrayView {
  /** Undefined while no agent answers. */
  readonly snapshot: Snapshot | undefined;
  /** What became of the last click, where a person should know: one sentence. */
  readonly message: string | undefined;
}

export function buildMenu({ snapshot, message }: TrayView): MenuModel {
  return {
    icon: iconOf(snapshot),
    tooltip: tooltipOf(snapshot),
    items: [
      label(headerText(snapshot)),
      optional(message === undefined ? undefined : label(cleanText(message, 100))),
      ...slots(
        (snapshot?.notices ?? []).map((notice) => label(`⚠ ${cleanText(notice.message, 100)}`)),
        noticeSlots,
      ),
      separator,
      ...ownSection(snapshot),
      separator,
      ...neighbourSection(snapshot),
      ...activitySection(snapshot),
      separator,
      ...footer(snapshot),
    ],
  };
}

function headerText(snapshot: Snapshot | undefined): string {
  if (snapshot === undefined) return 'nethood is not running';
  const name = cleanText(snapshot.device.name, 63);
  return snapshot.paused ? `${name}: sharing is paused` : name;
}

function iconOf(snapshot: Snapshot | undefined): IconState {
  if (snapshot === undefined) return 'disconnected';
  if (snapshot.paused) return 'paused';
  return isBusy(snapshot) ? 'busy' : 'normal';
}

/** One short line: Windows shows at most 127 characters. */
function tooltipOf(snapshot: Snapshot | undefined): string {
  if (snapshot === undefined) return 'nethood is not running';
  const near = snapshot.neighbours.filter((neighbour) => neighbour.state === 'ready').length;
  const neighbours = near === 1 ? '1 neighbour' : `${near} neighbours`;
  return `nethood: ${neighbours}${snapshot.paused ? ', sharing is paused' : ''}`;
}

function footer(snapshot: Snapshot | undefined): MenuItem[] {
  const running = snapshot !== undefined;
  const paused = snapshot?.paused === true;
  const toggle = paused
    ? askButton('Resume sharing', { kind: 'resume' })
    : askButton('Pause sharing', { kind: 'pause' });
  return [
    optional(running ? toggle : undefined),
    folderButton('Open my Nethood folder', { kind: 'open-files' }),
    quitButton(running ? 'Quit nethood' : 'Quit'),
  ];
}

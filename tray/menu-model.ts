/**
 * What the tray shows, as a value. The helper behind systray2 takes its items once, at start: every model has the same
 * shape (the same items in the same places), and what is not needed is hidden.
 */
import type { DeviceId, JobId, QueueName, TransferId } from '../protocol/ids.ts';

export type IconState = 'normal' | 'paused' | 'busy' | 'disconnected';

/** What a click asks of the agent. */
export type AgentAction =
  | { readonly kind: 'share-public' | 'pause' | 'resume' }
  | { readonly kind: 'unshare'; readonly share: string }
  | { readonly kind: 'printer-share' | 'printer-unshare'; readonly printer: QueueName }
  | { readonly kind: 'get'; readonly neighbour: DeviceId; readonly share: string }
  | { readonly kind: 'transfer-cancel'; readonly transfer: TransferId }
  | { readonly kind: 'job-cancel' | 'job-hold' | 'job-release'; readonly job: JobId };

export type FolderAction =
  | { readonly kind: 'open-files' }
  /** A folder of this user's own choice: it may be opened itself. */
  | { readonly kind: 'open-folder'; readonly folder: string }
  /** Something that came from a neighbour: only shown in the folder that holds it, never opened itself. */
  | { readonly kind: 'show-in-folder'; readonly path: string };

/** What a click asks for. */
export type MenuAction =
  | { readonly kind: 'quit' }
  | { readonly kind: 'agent'; readonly ask: AgentAction }
  | { readonly kind: 'folder'; readonly show: FolderAction };

export interface MenuItem {
  readonly kind: 'item' | 'separator';
  readonly title: string;
  readonly enabled: boolean;
  readonly hidden: boolean;
  readonly action: MenuAction | undefined;
  readonly items: readonly MenuItem[];
}

export interface MenuModel {
  readonly icon: IconState;
  readonly tooltip: string;
  readonly items: readonly MenuItem[];
}

/** Only at the top level: the helper puts a separator of a submenu there too. */
export const separator: MenuItem = {
  kind: 'separator',
  title: '<SEPARATOR>',
  enabled: true,
  hidden: false,
  action: undefined,
  items: [],
};

/** An item to click. */
function button(title: string, action: MenuAction): MenuItem {
  return { kind: 'item', title, enabled: true, hidden: false, action, items: [] };
}

export function askButton(title: string, ask: AgentAction): MenuItem {
  return button(title, { kind: 'agent', ask });
}

export function folderButton(title: string, show: FolderAction): MenuItem {
  return button(title, { kind: 'folder', show });
}

export function quitButton(title: string): MenuItem {
  return button(title, { kind: 'quit' });
}

/** Text that cannot be clicked. */
export function label(title: string): MenuItem {
  return { kind: 'item', title, enabled: false, hidden: false, action: undefined, items: [] };
}

/** Text that leads to more items, greyed out where none of them is to be seen. */
export function submenu(title: string, items: readonly MenuItem[]): MenuItem {
  const enabled = items.some((item) => !item.hidden);
  return { kind: 'item', title, enabled, hidden: false, action: undefined, items };
}

/** A slot that nothing fills now, with as many slots below it. */
export function emptySlot(children = 0): MenuItem {
  const items = Array.from({ length: children }, () => emptySlot());
  return { kind: 'item', title: '', enabled: false, hidden: true, action: undefined, items };
}

/** The first `count` items, and empty slots up to `count`. */
export function slots(items: readonly MenuItem[], count: number, children = 0): MenuItem[] {
  const empty = Array.from({ length: Math.max(0, count - items.length) }, () => emptySlot(children));
  return [...items.slice(0, count), ...empty];
}

export function optional(item: MenuItem | undefined): MenuItem {
  return item ?? emptySlot();
}

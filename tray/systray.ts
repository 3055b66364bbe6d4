/**
 * The only importer of systray2. Its helper program draws the icon; this adapter keeps the package's faults inside:
 * it never calls onClick (whose promise rejects by itself), kill (which ends our own process) or `checked` (whose mark
 * stays for ever), reads the helper's output itself, and knows when the helper ends.
 */
import type { ChildProcess } from 'node:child_process';
import systray2 from 'systray2';
import { z } from 'zod';
import { type Clock, sleep } from '../agent/base/clock.ts';
import { NethoodError } from '../protocol/errors.ts';
import type { Icons } from './icon/icons.ts';
import { exitText, type Helper, type HelperExit } from './helper.ts';
import type { HelperFiles } from './helper-files.ts';
import type { MenuUpdate } from './menu-diff.ts';
import type { MenuItem, MenuModel } from './menu-model.ts';
import { titleFor } from './menu-text.ts';

const readyWithinMs = 5_000;
const endWithinMs = 1_000;

export interface HelperOptions {
  readonly files: HelperFiles;
  readonly icons: Icons;
  readonly clock: Clock;
  /** `slot` counts as `MenuUpdate` does. Every click, also on parents and disabled items. */
  readonly onClick: (slot: number) => void;
}

/** What the helper says; all else it may write to stdout is none of our business. */
const HelperLine = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z
    .object({ type: z.literal('clicked'), __id: z.int().min(1) })
    // The package numbers items as slots are numbered, from 1.
    .transform(({ type, ['__id']: id }) => ({ type, slot: id - 1 })),
]);

const { default: PackageTray } = systray2;
type PackageItem = typeof PackageTray.separator;
interface PackageMenu {
  icon: string;
  title: string;
  tooltip: string;
  items: PackageItem[];
}

/** The package's class, with its reading of lines replaced: its own parses them without a net. */
class GuardedTray extends PackageTray {
  onSlot: (slot: number) => void = () => undefined;
  onSpawned: (helper: ChildProcess) => void = () => undefined;

  /** Called by the package as soon as the helper runs. */
  override onReady(listener: () => void): this {
    this.onSpawned(this.process);
    // oxlint-disable-next-line no-underscore-dangle -- the package's own names
    this._rl.on('line', (line) => {
      const said = HelperLine.safeParse(tryJson(line));
      if (!said.success) return;
      if (said.data.type === 'ready') listener();
      else this.onSlot(said.data.slot);
    });
    return this;
  }
}

/** Kept when the icon can be seen, as far as the helper knows. @throws NethoodError `unavailable`, with the exit in `cause` where it ended */
export async function startHelper(model: MenuModel, options: HelperOptions): Promise<Helper> {
  const { files, icons, clock, onClick } = options;
  // Both are the process's own: this is the tray's process, and the package offers no other way to set them.
  process.chdir(files.workFolder);
  process.env['TMPDIR'] = files.temporaryFolder;
  const items: PackageItem[] = model.items.map(packageItem);
  const menu = { icon: icons[model.icon], title: '', tooltip: model.tooltip, items };
  const tray = new GuardedTray({ menu, copyDir: files.copyFolder });
  tray.onSlot = onClick;
  const spawned = new Promise<ChildProcess>((resolve) => (tray.onSpawned = resolve));
  const exited = spawned.then(watchExit);
  await firstOf(tray, exited, clock);
  const slots = flatten(items);
  return {
    exited,
    update: (update) => sendUpdate(tray, update, { slots, icons }),
    [Symbol.asyncDispose]: () => endHelper(tray, exited, clock),
  };
}

/** READY, raced with the helper's end and the deadline: the package's own promise settles for none of the two. */
async function firstOf(tray: GuardedTray, exited: Promise<HelperExit>, clock: Clock): Promise<void> {
  const over = new AbortController();
  const failed = exited.then((cause) => {
    throw new NethoodError('unavailable', `The tray's helper ended at once (${exitText(cause)}).`, { cause });
  });
  const late = sleep(clock, readyWithinMs, over.signal).then(() => {
    tray.process?.kill('SIGKILL');
    throw new NethoodError('unavailable', "The tray's helper did not become ready.");
  });
  // The losers of the race are settled later, by disposal or the helper's end.
  failed.catch(() => undefined);
  late.catch(() => undefined);
  try {
    await Promise.race([tray.ready().catch(cannotStart), failed, late]);
  } finally {
    over.abort();
  }
}

function cannotStart(cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new NethoodError('unavailable', `The tray's helper cannot be started: ${why}.`, { cause });
}

/** Reads stderr (the package does not: a full pipe would block the helper) and takes the errors of a dying pipe. */
function watchExit(helper: ChildProcess): Promise<HelperExit> {
  let lastWords = '';
  helper.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = `${lastWords}${text}`.slice(-500);
  });
  // EPIPE of a write in the instant of the helper's death; its exit tells the same.
  helper.stdin?.on('error', () => undefined);
  helper.on('error', () => undefined);
  return new Promise((resolve) => {
    const ended = (code: number | null, signal: NodeJS.Signals | null): void =>
      resolve({ code, signal, lastWords: lastWords.trim().replaceAll(/\s+/g, ' ') });
    if (helper.exitCode !== null || helper.signalCode !== null) ended(helper.exitCode, helper.signalCode);
    else helper.once('close', ended);
  });
}

async function sendUpdate(
  tray: GuardedTray,
  update: MenuUpdate,
  { slots, icons }: { readonly slots: readonly PackageItem[]; readonly icons: Icons },
): Promise<void> {
  if (update.kind === 'menu') {
    // With items, the package would spoil their titles; the helper ignores them anyway.
    const menu: PackageMenu = { icon: icons[update.icon], title: '', tooltip: update.tooltip, items: [] };
    await tray.sendAction({ type: 'update-menu', menu });
    return;
  }
  const { slot, title, enabled, hidden } = update;
  const item = slots[slot];
  if (item === undefined) throw new NethoodError('internal', `The menu has no slot ${slot}.`);
  // The copy keeps the number that the package gave the item; its children are not sent again.
  const shown = titleFor(process.platform, title);
  await tray.sendAction({ type: 'update-item', item: { ...item, title: shown, enabled, hidden, items: [] } });
}

async function endHelper(tray: GuardedTray, exited: Promise<HelperExit>, clock: Clock): Promise<void> {
  const over = new AbortController();
  if (tray.process.exitCode === null && tray.process.signalCode === null) await tray.sendAction({ type: 'exit' });
  const late = sleep(clock, endWithinMs, over.signal).then(
    () => tray.process.kill('SIGKILL'),
    () => undefined,
  );
  await exited;
  over.abort();
  await late;
}

function packageItem(item: MenuItem): PackageItem {
  const { title, enabled, hidden } = item;
  const shown = item.kind === 'separator' ? title : titleFor(process.platform, title);
  return { title: shown, tooltip: '', enabled, hidden, items: item.items.map(packageItem) };
}

function flatten(items: readonly PackageItem[]): PackageItem[] {
  return items.flatMap((item) => [item, ...flatten(item.items ?? [])]);
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Not a line of the protocol: a library's remark on stdout.
    return undefined;
  }
}

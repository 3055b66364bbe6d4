/** A desktop without a screen: Xvfb, a session bus and a real panel, each test with its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type MenuEntry, TrayMenu } from './tray-menu.ts';
import { until } from './until.ts';

const run = promisify(execFile);
const tool = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface DesktopOptions {
  /** `none`: a desktop on which nothing shows status icons. */
  readonly panel?: 'xfce4-panel' | 'none';
}

export class Desktop implements AsyncDisposable {
  /** What a program needs to appear there. */
  readonly env: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #menu: TrayMenu;

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.env = env;
    this.#menu = new TrayMenu(env['DBUS_SESSION_BUS_ADDRESS'] ?? '');
  }

  static async start({ panel = 'xfce4-panel' }: DesktopOptions = {}): Promise<Desktop> {
    // Short: the path of a socket has less than 108 characters.
    const folder = await mkdtemp(join(tmpdir(), 'nd-'));
    const { stdout } = await run(tool('tray-up'), [folder], { env: { ...process.env, TRAY_HOST: panel } });
    const exported = stdout.matchAll(/^export (\w+)=(.*)$/gm);
    const env = Object.fromEntries(Array.from(exported, ([, name = '', value = '']) => [name, value]));
    // Without these a GTK program starts an accessibility bus as well.
    return new Desktop(folder, { ...env, NO_AT_BRIDGE: '1', GTK_A11Y: 'none', LANG: 'C.UTF-8' });
  }

  /** All that can be seen in the menu, separators included; undefined while there is no icon. */
  async menu(): Promise<MenuEntry[] | undefined> {
    try {
      return await this.#menu.read();
    } catch {
      // Not there yet, or dying at this moment: the caller asks again or says what it misses.
      return undefined;
    }
  }

  icons(): Promise<readonly string[]> {
    return this.#menu.icons();
  }

  /** Kept with the menu once it has an item of this label or path. */
  async waitFor(label: string | RegExp, withinMs = 5_000): Promise<MenuEntry[]> {
    let last: MenuEntry[] | undefined;
    return until(
      async () => {
        last = await this.menu();
        return last !== undefined && last.some((item) => matches(item, label)) && last;
      },
      { what: () => `the item ${String(label)} in ${JSON.stringify(last?.map(({ path }) => path))}`, withinMs },
    );
  }

  async waitWithout(label: string | RegExp, withinMs = 5_000): Promise<MenuEntry[]> {
    return until(
      async () => {
        const menu = await this.menu();
        return menu !== undefined && !menu.some((item) => matches(item, label)) && menu;
      },
      { what: `the item ${String(label)} to go`, withinMs },
    );
  }

  /** As a person can: only what is enabled. */
  async click(label: string): Promise<void> {
    const item = await this.#find(label);
    if (!item.enabled) throw new Error(`the item ${label} is disabled`);
    await this.#menu.click(item.id);
  }

  /** As a program without manners does: also what is disabled. */
  async press(label: string): Promise<void> {
    await this.#menu.click((await this.#find(label)).id);
  }

  async screenshot(file: string): Promise<void> {
    await run('import', ['-window', 'root', file], { env: { ...process.env, ...this.env } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(tool('tray-down'), [this.#folder]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #find(label: string): Promise<MenuEntry> {
    const found = (await this.waitFor(label)).find((item) => matches(item, label));
    if (found === undefined) throw new Error(`there is no item ${label}`);
    return found;
  }
}

function matches({ label, path }: MenuEntry, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? label === wanted || path === wanted : wanted.test(path);
}

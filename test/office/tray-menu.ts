/** Reads and clicks the menu of the status icon on a session bus, by busctl: what any desktop does, without pixels. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const watcher = ['org.kde.StatusNotifierWatcher', '/StatusNotifierWatcher', 'org.kde.StatusNotifierWatcher'] as const;
const itemInterface = 'org.kde.StatusNotifierItem';
const menuInterface = 'com.canonical.dbusmenu';

export interface MenuEntry {
  readonly id: number;
  readonly label: string;
  /** `Parent/Child`. */
  readonly path: string;
  readonly type: string;
  readonly enabled: boolean;
}

interface LayoutNode {
  id: number;
  properties: Record<string, unknown>;
  children: LayoutNode[];
}

const Variant = z.object({ data: z.unknown() });
/** `(ia{sv}av)` of com.canonical.dbusmenu GetLayout. */
const Layout: z.ZodType<LayoutNode> = z.lazy(() =>
  z
    .tuple([z.number(), z.record(z.string(), Variant), z.array(z.object({ data: Layout }))])
    .transform(([id, properties, children]) => ({
      id,
      properties: Object.fromEntries(Object.entries(properties).map(([key, { data }]) => [key, data])),
      children: children.map(({ data }) => data),
    })),
);
const Properties = z.object({
  label: z.string().default(''),
  type: z.string().default('standard'),
  enabled: z.boolean().default(true),
  visible: z.boolean().default(true),
});

export class TrayMenu {
  readonly #address: string;

  constructor(busAddress: string) {
    this.#address = busAddress;
  }

  /** Icons on the bus; several only where two trays run. */
  async icons(): Promise<readonly string[]> {
    const answer = await this.#bus(['get-property', ...watcher, 'RegisteredStatusNotifierItems']);
    return z.object({ data: z.array(z.string()) }).parse(answer).data;
  }

  /** All that can be seen, separators included. */
  async read(): Promise<MenuEntry[]> {
    const [name, menu] = await this.#menu();
    const answer = await this.#bus(['call', name, menu, menuInterface, 'GetLayout', 'iias', '--', '0', '-1', '0']);
    const layout = z.object({ data: z.tuple([z.number(), Layout]) }).parse(answer).data[1];
    return visible(layout, '');
  }

  /** Also of a disabled item, as a program without manners does. */
  async click(id: number): Promise<void> {
    const [name, menu] = await this.#menu();
    await this.#bus(['call', name, menu, menuInterface, 'Event', 'isvu', '--', String(id), 'clicked', 's', '', '0']);
  }

  async #menu(): Promise<[name: string, path: string]> {
    const last = (await this.icons()).at(-1);
    if (last === undefined) throw new Error('no icon is registered on this bus');
    const slash = last.indexOf('/');
    const [name, item] = slash < 0 ? [last, '/StatusNotifierItem'] : [last.slice(0, slash), last.slice(slash)];
    const answer = await this.#bus(['get-property', name, item, itemInterface, 'Menu']);
    return [name, z.object({ data: z.string() }).parse(answer).data];
  }

  async #bus(args: readonly string[]): Promise<unknown> {
    const { stdout } = await run('busctl', [`--address=${this.#address}`, '--json=short', ...args]);
    return stdout.trim() === '' ? undefined : JSON.parse(stdout);
  }
}

function visible(node: LayoutNode, prefix: string): MenuEntry[] {
  return node.children.flatMap((child) => {
    const { label, type, enabled, visible: isVisible } = Properties.parse(child.properties);
    if (!isVisible) return [];
    const text = shownText(label);
    const path = `${prefix}${text}`;
    return [{ id: child.id, label: text, path, type, enabled }, ...visible(child, `${path}/`)];
  });
}

/** "Two consecutive underscore characters are displayed as a single underscore, any other is not displayed at all." */
function shownText(label: string): string {
  return label.replaceAll(/_(_?)/g, '$1');
}

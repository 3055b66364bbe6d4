/** A folder's listing for whoever writes it out as it comes. */
import type { WirePath } from '../../protocol/wire-path.ts';
import type { FileTree, Page } from './file-tree.ts';

export interface Listing {
  readonly path: WirePath;
  /** Asked for before the answer began, so that a folder that cannot be listed is an error and no empty folder. */
  readonly first: Page;
  readonly signal: AbortSignal;
}

/** Each page is asked for while the one before it is written: a neighbour is far away. */
export async function* pagesOf(tree: FileTree, { path, first, signal }: Listing): AsyncGenerator<Page> {
  for (let page: Page | undefined = first; page !== undefined;) {
    const next: Promise<Page> | undefined =
      page.cursor === undefined ? undefined : tree.list(path, page.cursor, signal);
    // Heard when it is its turn; where nobody wants more, nobody needs to know.
    next?.catch(() => undefined);
    yield page;
    page = await next;
  }
}

export function joined(folder: WirePath, below: WirePath): WirePath {
  return folder === '' ? below : (`${folder}/${below}` as WirePath);
}

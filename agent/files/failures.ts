/** What of a folder could not be moved. A folder of which files are missing must not look whole. */
import { NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { quotedPath } from './file-errors.ts';

export class Failures {
  #first: { readonly path: WirePath; readonly error: NethoodError } | undefined;
  #count = 0;

  add(path: WirePath, error: NethoodError): void {
    this.#count++;
    this.#first ??= { path, error };
  }

  forget(): void {
    this.#first = undefined;
    this.#count = 0;
  }

  /** @throws the first of them, with its reason and the number of the others */
  tell(moved: 'fetched' | 'put there'): void {
    if (this.#first === undefined) return;
    const { path, error } = this.#first;
    const others = this.#count > 1 ? ` and ${this.#count - 1} more` : '';
    const said = error.message.replace(/\.$/, '');
    const reason = said.charAt(0).toLowerCase() + said.slice(1);
    const message = `${quotedPath(path)}${others} could not be ${moved} (${reason}); everything else was.`;
    throw new NethoodError(error.code, message, { cause: error });
  }
}

import { NethoodError } from '../protocol/errors.ts';

export interface Place {
  readonly neighbour: string;
  /** Empty: the neighbour itself. */
  readonly share: string;
  /** As typed; empty: the whole share. */
  readonly path: string;
}

/** `<neighbour>[/<share>[/<path>]]`. @throws NethoodError `usage` */
export function readPlace(text: string): Place {
  const [neighbour = '', share = '', ...path] = text.split('/');
  if (neighbour === '') throw new NethoodError('usage', `"${text}" does not begin with a neighbour's name.`);
  if (share === '' && path.some((part) => part !== ''))
    throw new NethoodError('usage', `"${text}" names no share between the neighbour and the path.`);
  return { neighbour, share, path: path.join('/') };
}

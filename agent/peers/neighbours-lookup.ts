/** The addresses behind a name that a user typed. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { NethoodError } from '../../protocol/errors.ts';
import type { Address } from '../discovery/discovery.ts';
import { addressFromText } from './peer-address.ts';

export type LookUp = (host: string) => Promise<readonly Address[]>;

/** By the system's resolver; an address is its own answer. @throws NethoodError `unreachable` */
export const lookUpHost: LookUp = async (host) => {
  if (isIP(host) !== 0) return [{ address: host }];
  try {
    const found = await lookup(host, { all: true });
    return found.map(({ address }) => addressFromText(address));
  } catch (cause) {
    throw new NethoodError('unreachable', `No address of "${host}" is known.`, { cause });
  }
};

/** Which connections still have our end: a system drops an address without a word to what was connected from it. */
import { plainAddress } from './host-header.ts';

/** Whether the local address of a socket is one of this PC's; one that is not known counts as such. */
export type IsOwn = (local: string | undefined) => boolean;

/** @param addresses of all cards, as text */
export function ownAddresses(addresses: readonly string[]): IsOwn {
  const own = new Set(addresses.map(plainAddress));
  return (local) => {
    if (local === undefined || local === '') return true;
    const address = plainAddress(local);
    // All of 127.0.0.0/8 is ours as long as there is a loopback.
    return own.has(address) || address.startsWith('127.');
  };
}

import { describe, expect, it } from 'vitest';
import { ownAddresses } from '../../agent/peers/own-addresses.ts';

describe('the local address of a socket', () => {
  const isOwn = ownAddresses(['10.0.0.1', 'fe80::1', 'fd77::0:1']);

  it.each(['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1%eth0', 'fd77::1', '127.0.1.1', '', undefined])(
    '%s is ours',
    (local) => expect(isOwn(local)).toBe(true),
  );

  it.each(['10.0.0.2', '::ffff:10.0.0.2', 'fe80::2%eth0', 'fd77::2', '::1'])('%s is not any more', (local) =>
    expect(isOwn(local)).toBe(false),
  );
});

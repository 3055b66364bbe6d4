import { expect, test } from 'vitest';
import { boundInodes } from '../../agent/discovery/port-users.ts';

test('the sockets on port 5353 are found among all of /proc/net/udp and udp6', () => {
  const udp = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  1157: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   108        0 18232 2 0000000000000000 0
  1158: FB0000E0:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 18240 2 0000000000000000 0
  4711: 0100007F:0035 00000000:14E9 07 00000000:00000000 00:00000000 00000000     0        0 18241 2 0000000000000000 0
`;
  const udp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  1157: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   108        0 18233 2 0000000000000000 0
`;
  expect(boundInodes(udp)).toEqual(['18232', '18240']);
  expect(boundInodes(udp6)).toEqual(['18233']);
  expect(boundInodes('')).toEqual([]);
});

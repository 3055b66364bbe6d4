import { beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Emitter } from '../../agent/base/emitter.ts';
import { putCalls } from '../../agent/control/actions-put.ts';
import type { ActionDeps } from '../../agent/control/control-actions.ts';
import type { PutOrder } from '../../agent/files/files-service.ts';
import type { CallRequest } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { ShareId, ShareName } from '../../protocol/ids.ts';
import { annaId, transfer } from './samples.ts';

const never = new AbortController().signal;
const shares = [
  { id: ShareId.parse('t'.repeat(26)), name: ShareName.parse('Inbox'), rights: 'write' as const },
  { id: ShareId.parse('u'.repeat(26)), name: ShareName.parse('Music'), rights: 'read' as const },
];
const anna = { id: annaId, name: 'Anna', state: 'ready', lastSeen: 0, resources: { shares, printers: [] } };

let orders: PutOrder[];
let put: (more: Partial<CallRequest<'put'>>) => Promise<unknown>;

beforeEach(() => {
  orders = [];
  const { put: call } = putCalls({
    clock: systemClock,
    neighbours: { find: findAnna, events: new Emitter() },
    transfers: { put: async (order: PutOrder) => (orders.push(order), transfer) },
  } as unknown as ActionDeps);
  put = (more) => call({ source: '/home/me/a.txt', neighbour: 'anna', share: 'inbox', path: '', ...more }, never);
});

function findAnna(name: string): typeof anna {
  if (name === 'anna') return anna;
  throw new NethoodError('not-found', `There is no neighbour "${name}".`);
}

it('orders the transfer to what the path can mean', async () => {
  await put({ path: '100%25.txt', keep: true });
  const order = { neighbour: annaId, share: shares[0]?.id, source: '/home/me/a.txt', place: 'Anna/Inbox' };
  expect(orders).toEqual([{ ...order, readings: ['100%25.txt', '100%2525.txt'], into: false, keep: true }]);
});

it.each([
  ['a share that can only be read', { share: 'Music' }, 'not-permitted'],
  ['a share that is none', { share: 'missing' }, 'not-found'],
  ['a neighbour that is none', { neighbour: 'zoe' }, 'not-found'],
  ['a source that is no absolute path', { source: 'a.txt' }, 'bad-request'],
  ['a path that leads out of the share', { path: '../x' }, 'bad-path'],
])('%s is refused before anything begins', async (_what, more, code) => {
  await expect(put(more)).rejects.toMatchObject({ code });
  expect(orders).toEqual([]);
});

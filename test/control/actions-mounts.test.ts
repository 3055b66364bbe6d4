import { expect, it } from 'vitest';
import { mountCalls } from '../../agent/control/actions-mounts.ts';
import type { MountPlace } from '../../agent/files/mounts.ts';
import type { Neighbour } from '../../agent/peers/neighbours.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { codeOf, never } from '../files/files-support.ts';
import { mount, neighbour } from './samples.ts';

const anna = { ...neighbour, resources: neighbour } as unknown as Neighbour;

function calls(state: Neighbour['state']) {
  const added: MountPlace[] = [];
  const revoked: (string | undefined)[][] = [];
  const made = mountCalls({
    mounts: {
      add: async (place: MountPlace) => (added.push(place), mount),
      revoke: async (...names: (string | undefined)[]) => (revoked.push(names), mount),
      list: () => [mount],
    },
    neighbours: {
      find: () => ({ ...anna, state }),
      get: () => anna,
      request: () => Promise.reject(new NethoodError('unreachable', 'She does not answer.')),
    },
  } as unknown as Parameters<typeof mountCalls>[0]);
  return { ...made, added, revoked };
}

it('a drive is made of everybody, of a neighbour, or of a share by its name', async () => {
  const { mount: make, mounts, added } = calls('ready');
  const [share] = neighbour.shares;
  await make({}, never);
  await make({ neighbour: 'anna' }, never);
  await make({ neighbour: 'anna', share: share?.name.toUpperCase() }, never);
  expect(added.map((place) => [place.neighbour?.name, place.share?.name])).toEqual([
    [undefined, undefined],
    [anna.name, undefined],
    [anna.name, share?.name],
  ]);
  expect(await mounts({}, never)).toEqual({ mounts: [mount] });
});

it('what a neighbour shares must be known, and there', async () => {
  expect(await codeOf(calls('ready').mount({ neighbour: 'anna', share: 'Nothing' }, never))).toBe('not-found');
  expect(await codeOf(calls('ready').mount({ share: 'Projects' }, never))).toBe('bad-request');
  expect(await codeOf(calls('gone').mount({ neighbour: 'anna' }, never))).toBe('unreachable');
});

it('a drive ends without anybody being asked', async () => {
  const { 'mount-revoke': revoke, revoked } = calls('gone');
  await revoke({ neighbour: 'anna', share: 'Projects' }, never);
  expect(revoked).toEqual([['anna', 'Projects']]);
});

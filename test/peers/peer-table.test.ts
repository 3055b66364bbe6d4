import { describe, expect, it } from 'vitest';
import { candidatesOf, PeerTable, tableLimits, type PeerRecord } from '../../agent/peers/peer-table.ts';
import type { Sighting } from '../../agent/discovery/discovery.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { deviceId } from '../sim/agent.ts';

function table(indispensable: ReadonlySet<DeviceId> = new Set()): PeerTable {
  return new PeerTable({ dispensable: (id) => !indispensable.has(id), onLink: (text) => text.startsWith('10.') }, []);
}

function sighting(id: DeviceId, ...addresses: string[]): Sighting {
  return { id, name: 'pc', port: 6631, addresses: addresses.map((address) => ({ address })) };
}

function shown(record: PeerRecord | undefined): string[] {
  return record === undefined ? [] : candidatesOf(record).map(({ address, port }) => `${address}:${port}`);
}

describe('the table of neighbours', () => {
  const id = deviceId(1);

  it('tries proved addresses first, the last success before others, each once', () => {
    const peers = table();
    peers.sight(sighting(id, '10.0.0.1', '10.0.0.2'));
    peers.prove(id, { name: 'pc', at: { address: '10.0.0.2', port: 6631 }, wall: 1 });
    peers.prove(id, { name: 'pc', at: { address: '10.0.0.9', port: 7000 }, wall: 2 });
    expect(shown(peers.get(id))).toEqual(['10.0.0.9:7000', '10.0.0.2:6631', '10.0.0.1:6631']);
  });

  it('keeps proved addresses however many are rumoured', () => {
    const peers = table();
    peers.prove(id, { name: 'pc', at: { address: '10.0.0.2', port: 6631 }, wall: 1 });
    peers.sight(sighting(id, ...Array.from({ length: 500 }, (_, index) => `10.1.${index >> 8}.${index & 255}`)));
    expect(shown(peers.get(id))).toHaveLength(1 + tableLimits.rumoured);
    expect(shown(peers.get(id))[0]).toBe('10.0.0.2:6631');
  });

  it('does not follow rumours that leave the link', () => {
    const peers = table();
    expect(peers.sight(sighting(id, '8.8.8.8', '192.0.2.1'))).toBeUndefined();
    expect(shown(peers.sight(sighting(id, '8.8.8.8', '10.0.0.1'))?.record)).toEqual(['10.0.0.1:6631']);
  });

  it('says what is fresh: new, back, or elsewhere', () => {
    const peers = table();
    expect(peers.sight(sighting(id, '10.0.0.1', '10.0.0.2'))?.fresh).toBe(true);
    expect(peers.sight(sighting(id, '10.0.0.2', '10.0.0.1'))?.fresh).toBe(false);
    expect(peers.sight({ ...sighting(id, '10.0.0.2', '10.0.0.1'), port: 6641 })?.fresh).toBe(true);
    peers.unsight(id);
    expect(peers.sight({ ...sighting(id, '10.0.0.2', '10.0.0.1'), port: 6641 })?.fresh).toBe(true);
  });

  it('takes the name of a proved device from itself only', () => {
    const peers = table();
    peers.sight({ ...sighting(id, '10.0.0.1'), name: 'first' });
    expect(peers.get(id)?.name).toBe('first');
    peers.prove(id, { name: 'maria', at: { address: '10.0.0.1', port: 1 }, wall: 1 });
    peers.sight({ ...sighting(id, '10.0.0.1'), name: 'boss' });
    expect(peers.get(id)?.name).toBe('maria');
  });

  it('evicts the oldest rumour, then the stranger unseen for longest, never who is in session or trusted', () => {
    const kept = new Set([deviceId(0), deviceId(1)]);
    const peers = table(kept);
    for (let index = 0; index < tableLimits.records - 1; index++) {
      peers.prove(deviceId(index), { name: 'pc', at: { address: '10.0.0.1', port: 6631 }, wall: 1_000 + index });
    }
    peers.sight(sighting(deviceId(5_000), '10.0.0.1'));
    expect(peers.sight(sighting(deviceId(5_001), '10.0.0.1'))?.evicted).toBe(deviceId(5_000));
    const at = { address: '10.0.0.1', port: 6631 };
    expect(peers.prove(deviceId(5_002), { name: 'pc', at, wall: 9_000 })?.evicted).toBe(deviceId(5_001));
    expect(peers.prove(deviceId(5_003), { name: 'pc', at, wall: 9_001 })?.evicted).toBe(deviceId(2));
    expect(peers.all()).toHaveLength(tableLimits.records);
  });

  it('takes in nobody where all have to stay', () => {
    const peers = new PeerTable({ dispensable: () => false, onLink: () => true }, []);
    for (let index = 0; index < tableLimits.records; index++) peers.sight(sighting(deviceId(index), '10.0.0.1'));
    expect(peers.sight(sighting(deviceId(5_000), '10.0.0.1'))).toBeUndefined();
  });
});

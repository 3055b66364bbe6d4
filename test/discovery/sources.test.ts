import { describe, expect, test } from 'vitest';
import { Emitter } from '../../agent/base/emitter.ts';
import type { DiscoveryEvents, Sighting } from '../../agent/discovery/discovery.ts';
import { mergeSources, type SightingSource } from '../../agent/discovery/sources.ts';
import { DeviceId } from '../../protocol/ids.ts';

const ann = DeviceId.parse('a'.repeat(52));
const bob = DeviceId.parse('b'.repeat(52));

function sighting(id: DeviceId, over: Partial<Sighting> = {}): Sighting {
  return { id, name: 'Ann', port: 6631, addresses: [{ address: '10.0.0.1' }], ...over };
}

interface TestSource extends SightingSource {
  readonly asked: DeviceId[];
}

function source(): TestSource {
  const asked: DeviceId[] = [];
  return { events: new Emitter<DiscoveryEvents>(), asked, reconfirm: (id) => void asked.push(id) };
}

function merged() {
  const mdns = source();
  const wide = source();
  const sources = mergeSources({ mdns, wide });
  const told: (Sighting | string)[] = [];
  sources.events.on('seen', (seen) => told.push(seen));
  sources.events.on('lost', (id) => told.push(`lost ${id[0] ?? ''}`));
  return { mdns, wide, sources, told };
}

describe('several sources as one', () => {
  test('what one of them sees is seen, and lost with the last that saw it', () => {
    const { mdns, wide, told } = merged();
    mdns.events.emit('seen', sighting(ann));
    wide.events.emit('seen', sighting(ann));
    mdns.events.emit('lost', ann);
    expect(told).toEqual([sighting(ann), sighting(ann), sighting(ann)]);
    wide.events.emit('lost', ann);
    expect(told.at(-1)).toBe('lost a');
  });

  test('a source that never saw a device cannot lose it', () => {
    const { mdns, wide, told } = merged();
    mdns.events.emit('seen', sighting(ann));
    wide.events.emit('lost', ann);
    wide.events.emit('lost', bob);
    expect(told).toEqual([sighting(ann)]);
  });

  test('addresses are joined, each once; name and port are those of the first source', () => {
    const { mdns, wide, told } = merged();
    wide.events.emit('seen', sighting(ann, { name: 'Old', addresses: [{ address: '10.9.0.1' }] }));
    mdns.events.emit(
      'seen',
      sighting(ann, {
        addresses: [{ address: '10.0.0.1' }, { address: 'fe80::1', zone: 'eth0' }, { address: '10.9.0.1' }],
      }),
    );
    expect(told.at(-1)).toEqual(
      sighting(ann, {
        addresses: [{ address: '10.0.0.1' }, { address: 'fe80::1', zone: 'eth0' }, { address: '10.9.0.1' }],
      }),
    );
  });

  test('one link-local address on two cards stays two', () => {
    const { mdns, wide, told } = merged();
    mdns.events.emit('seen', sighting(ann, { addresses: [{ address: 'fe80::1', zone: 'eth0' }] }));
    wide.events.emit('seen', sighting(ann, { addresses: [{ address: 'fe80::1', zone: 'eth1' }] }));
    expect(told.at(-1)).toMatchObject({ addresses: [{ zone: 'eth0' }, { zone: 'eth1' }] });
  });

  test('addresses that belong to another port are left out while the first source sees the device', () => {
    const { mdns, wide, told } = merged();
    mdns.events.emit('seen', sighting(ann));
    wide.events.emit('seen', sighting(ann, { port: 7777, addresses: [{ address: '10.9.0.1' }] }));
    expect(told.at(-1)).toEqual(sighting(ann));
    mdns.events.emit('lost', ann);
    expect(told.at(-1)).toMatchObject({ port: 7777, addresses: [{ address: '10.9.0.1' }] });
  });

  test('a doubt goes to every source, and each tells whom it sees', () => {
    const { mdns, wide, sources } = merged();
    mdns.events.emit('seen', sighting(ann));
    sources.reconfirm(ann);
    expect([mdns.asked, wide.asked]).toEqual([[ann], [ann]]);
    expect(Array.from(sources.sightings())).toEqual([
      ['mdns', [sighting(ann)]],
      ['wide', []],
    ]);
  });

  test('nothing is told after its end', () => {
    const { mdns, sources, told } = merged();
    sources[Symbol.dispose]();
    mdns.events.emit('seen', sighting(ann));
    expect(told).toEqual([]);
    expect(mdns.events.listenerCount('seen')).toBe(0);
  });
});

/** Snapshots for tests of the tray. */
import {
  type NeighbourView,
  type PrinterView,
  type ShareView,
  Snapshot,
  type TransferView,
} from '../../protocol/control.ts';
import { DeviceId, QueueName, ShareId, TransferId } from '../../protocol/ids.ts';

export function deviceId(seed: string): DeviceId {
  return DeviceId.parse(seed.padEnd(52, 'a'));
}

export function shareId(seed: string): ShareId {
  return ShareId.parse(seed.padEnd(26, 'a'));
}

const ownId = deviceId('own');

export function aShare(change: Partial<ShareView> = {}): ShareView {
  return {
    id: shareId('s'),
    name: 'Projects',
    folder: '/home/anna/Projects',
    audience: 'everyone',
    rights: 'read',
    state: 'ok',
    ...change,
  };
}

export function aPrinter(change: Partial<PrinterView> = {}): PrinterView {
  return {
    id: QueueName.parse('Laser'),
    name: 'Laser',
    owner: 'anna on pc-1',
    ownerId: ownId,
    local: true,
    shared: false,
    audience: null,
    unshareable: null,
    state: 'idle',
    stateReasons: ['none'],
    accepting: true,
    supplies: [],
    jobs: 0,
    installed: null,
    uri: null,
    ...change,
  };
}

export function aNeighbour(change: Partial<NeighbourView> = {}): NeighbourView {
  return {
    id: deviceId('bob'),
    name: 'bob on pc-2',
    state: 'ready',
    trust: 'stranger',
    addresses: ['192.0.2.7'],
    port: 6631,
    shares: [{ id: shareId('b'), name: 'Music', rights: 'read' }],
    printers: [
      {
        id: QueueName.parse('Ink'),
        name: 'Ink',
        state: 'stopped',
        stateReasons: ['media-empty-error'],
        accepting: true,
        supplies: [],
        jobs: 0,
      },
    ],
    problem: null,
    lastSeen: null,
    ...change,
  };
}

export function aTransfer(change: Partial<TransferView> = {}): TransferView {
  return {
    id: TransferId.parse('transfer'),
    direction: 'get',
    neighbour: 'bob on pc-2',
    neighbourId: deviceId('bob'),
    source: 'bob on pc-2/Music',
    destination: '/home/anna/Nethood/Music',
    state: 'running',
    files: 3,
    filesTotal: 10,
    bytes: 430,
    bytesTotal: 1000,
    resumedFrom: 0,
    skipped: 0,
    rate: 12_300_000,
    secondsLeft: 1,
    limit: null,
    seconds: 2,
    error: null,
    ...change,
  };
}

export function aSnapshot(change: Partial<Snapshot> = {}): Snapshot {
  return Snapshot.parse({
    device: { id: ownId, name: 'anna on pc-1' },
    version: '0.1.0',
    paused: false,
    ports: { loopback: 6630, peers: 6631, guests: null },
    page: null,
    shares: [],
    printers: [],
    neighbours: [],
    jobs: [],
    transfers: [],
    notices: [],
    ...change,
  });
}

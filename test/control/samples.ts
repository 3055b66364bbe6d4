/** One value of each view, as a busy agent shows it. */
import type {
  CallName,
  CallRequest,
  CallResponse,
  JobView,
  NeighbourView,
  PrinterView,
  ShareView,
  Snapshot,
  TransferView,
} from '../../protocol/control.ts';
import type { DoctorReport } from '../../protocol/doctor.ts';
import {
  DeviceId,
  DisplayName,
  JobId,
  JobUuid,
  QueueName,
  ShareId,
  ShareName,
  TransferId,
} from '../../protocol/ids.ts';
import type { MountView } from '../../protocol/mounts.ts';
import { parseWirePath } from '../../protocol/wire-path.ts';

export const ownId = DeviceId.parse('a'.repeat(52));
export const annaId = DeviceId.parse('k3q7x2mf'.padEnd(52, 'b'));
export const bobId = DeviceId.parse('k3zz'.padEnd(52, 'c'));

export const share: ShareView = {
  id: ShareId.parse('s'.repeat(26)),
  name: ShareName.parse('Docs'),
  folder: '/home/me/Docs',
  audience: 'everyone',
  rights: 'read',
  state: 'ok',
};

export const printer: PrinterView = {
  id: QueueName.parse('laser'),
  name: DisplayName.parse('Laser on floor 2'),
  owner: DisplayName.parse('Me'),
  ownerId: ownId,
  local: true,
  shared: true,
  audience: 'everyone',
  unshareable: null,
  state: 'idle',
  stateReasons: ['none'],
  accepting: true,
  supplies: [{ name: 'Black Toner', level: 40 }],
  jobs: 0,
  installed: null,
  uri: 'ipp://nh-aaaaaaaa.local:6632/ipp/print/laser',
};

export const neighbour: NeighbourView = {
  id: annaId,
  name: DisplayName.parse('Anna'),
  state: 'ready',
  trust: 'stranger',
  addresses: ['10.20.0.7', 'fe80::7%eth0'],
  port: 6631,
  shares: [{ id: ShareId.parse('t'.repeat(26)), name: ShareName.parse('Projects'), rights: 'read' }],
  printers: [
    {
      id: QueueName.parse('plotter'),
      name: DisplayName.parse('Plotter'),
      state: 'idle',
      stateReasons: [],
      accepting: true,
      supplies: [],
      jobs: 2,
    },
  ],
  problem: null,
  lastSeen: '2026-11-20T10:00:00.000Z',
};

export const job: JobView = {
  id: JobId.parse(12),
  uuid: JobUuid.parse('urn:uuid:01234567-89ab-cdef-0123-456789abcdef'),
  printer: 'Anna/plotter',
  from: 'me on Me',
  own: true,
  name: 'offer.pdf',
  state: 'pending',
  stateReasons: ['none'],
  message: null,
  pages: null,
  pagesTotal: null,
  expires: null,
  bytes: 1234,
  created: '2026-11-20T10:00:00.000Z',
};

export const transfer: TransferView = {
  id: TransferId.parse('transfer2'),
  direction: 'get',
  neighbour: DisplayName.parse('Anna'),
  neighbourId: annaId,
  source: 'Anna/Projects/big.bin',
  destination: '/home/me/big.bin',
  state: 'running',
  files: 0,
  filesTotal: 1,
  bytes: 500_000,
  bytesTotal: 1_000_000,
  resumedFrom: 0,
  skipped: 0,
  rate: 250_000,
  secondsLeft: 2,
  limit: null,
  seconds: 2,
  error: null,
};

export const mount: MountView = {
  neighbour: DisplayName.parse('Anna'),
  share: ShareName.parse('Projects'),
  url: 'http://127.0.0.1:6630/dav/k3q7x2mfk3q7x2mfk3q7x2mfk3/Anna/Projects/',
  created: '2026-11-20T10:00:00.000Z',
};

export const snapshot: Snapshot = {
  device: { id: ownId, name: DisplayName.parse('Me') },
  version: '0.1.0',
  paused: false,
  ports: { loopback: 6630, peers: 6631, guests: null },
  page: null,
  shares: [share],
  printers: [printer],
  neighbours: [neighbour],
  jobs: [job],
  transfers: [transfer],
  notices: [],
};

export const doctorReport: DoctorReport = {
  began: '2026-11-20T10:00:00.000Z',
  seconds: 3,
  device: { id: ownId, name: 'Me' },
  peersPort: 6631,
  hostName: 'nh-aaaaaaaa.local',
  announced: [{ wanted: 'Me', name: 'Me (2)', type: 'nethood', port: 6631 }],
  port5353: { others: 2, avahi: true },
  cards: [
    {
      name: 'eth0',
      addresses: ['10.20.0.5/24', 'fe80::5%eth0/64'],
      loopback: false,
      used: true,
      reason: 'an ordinary card of a network',
    },
    { name: 'lo', addresses: ['127.0.0.1/8'], loopback: true, used: false, reason: 'loopback' },
  ],
  packets: [
    {
      card: 'eth0',
      family: 4,
      works: true,
      sent: 12,
      received: 30,
      own: 12,
      lastReceived: '2026-11-20T10:00:01.000Z',
      problem: null,
    },
  ],
  neighbours: [
    {
      id: annaId,
      name: 'Anna',
      state: 'ready',
      multicast: true,
      blocked: false,
      addresses: ['10.20.0.7'],
      port: 6631,
      problem: null,
    },
  ],
  sightings: [{ id: annaId, card: null, name: 'Anna', host: null, port: 6631, addresses: ['10.20.0.7'] }],
  secondOpinion: {
    sightings: [
      { id: annaId, card: 'eth0', name: 'Anna', host: 'nh-k3q7x2mf.local', port: 6631, addresses: ['10.20.0.7'] },
      {
        id: ownId,
        card: 'eth0',
        name: 'Me (2)',
        host: 'nh-aaaaaaaa.local',
        port: 6631,
        addresses: ['10.20.0.5', 'fe80::5'],
      },
    ],
    failures: [],
  },
  findings: [
    { code: 'renamed', severity: 'note', message: 'Called otherwise.', advice: 'Choose another name.' },
    { code: 'in-session', severity: 'ok', message: 'One is there.', advice: null },
  ],
};

/** Of every call a request and its answer: a call without one does not compile. */
export const exchanges: { readonly [N in CallName]: { request: CallRequest<N>; response: CallResponse<N> } } = {
  stop: { request: {}, response: {} },
  rename: { request: { name: DisplayName.parse('New') }, response: { name: DisplayName.parse('New') } },
  pause: { request: {}, response: {} },
  resume: { request: {}, response: {} },
  share: { request: { folder: '/home/me/Docs', audience: ['Anna'], write: false }, response: share },
  unshare: { request: { name: 'Docs' }, response: share },
  'printer-share': { request: { name: 'laser', audience: 'colleagues' }, response: printer },
  'printer-unshare': { request: { name: 'laser' }, response: { ...printer, shared: false, audience: null, uri: null } },
  'printer-install': {
    request: { name: 'anna/laser' },
    response: { queue: 'Laser_anna', printer: 'anna/laser', command: null },
  },
  'printer-uninstall': {
    request: { name: 'anna/laser' },
    response: { queue: 'Laser_anna', printer: 'anna/laser', command: 'sudo lpadmin -x Laser_anna' },
  },
  neighbour: { request: { neighbour: 'anna' }, response: neighbour },
  'neighbour-add': { request: { address: '[fe80::7%eth0]:6631' }, response: neighbour },
  'neighbour-forget': { request: { neighbour: 'anna' }, response: {} },
  doctor: { request: {}, response: doctorReport },
  list: {
    request: { neighbour: 'anna', share: 'Projects', path: 'a b', cursor: 'next' },
    response: {
      entries: [
        { name: 'ü', path: parseWirePath('a%20b/%C3%BC'), kind: 'file', size: 3, modified: '2026-11-20T10:00:00.000Z' },
      ],
      cursor: 'more',
      skipped: 1,
    },
  },
  get: {
    request: { neighbour: 'anna', share: 'Projects', path: 'big.bin', destination: '/home/me' },
    response: transfer,
  },
  put: {
    request: { source: '/home/me/a.pdf', neighbour: 'anna', share: 'Projects', path: '2026', into: true, keep: false },
    response: { ...transfer, direction: 'put', source: '/home/me/a.pdf', destination: 'Anna/Projects/2026/a.pdf' },
  },
  mount: { request: { neighbour: 'anna', share: 'Projects' }, response: mount },
  'mount-revoke': { request: { neighbour: 'anna', share: 'Projects' }, response: mount },
  mounts: { request: {}, response: { mounts: [mount] } },
  'transfer-cancel': { request: { id: transfer.id }, response: { ...transfer, state: 'cancelled' } },
  'job-cancel': { request: { id: job.id }, response: { ...job, state: 'canceled' } },
  'job-hold': { request: { id: job.id }, response: { ...job, state: 'pending-held' } },
  'job-release': { request: { id: job.id }, response: job },
  accounting: {
    request: { since: '2026-11-01T00:00:00.000Z', limit: 10 },
    response: {
      lines: [
        {
          at: '2026-11-20T10:00:00.000Z',
          job: job.id,
          printer: 'laser',
          from: 'anna on Anna',
          name: 'offer.pdf',
          state: 'completed',
          pages: 3,
          copies: 1,
          bytes: 1234,
        },
      ],
    },
  },
};

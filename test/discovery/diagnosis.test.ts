import { describe, expect, test } from 'vitest';
import { diagnose } from '../../agent/discovery/diagnosis.ts';
import {
  type DoctorCard,
  type DoctorFacts,
  type DoctorLink,
  type DoctorNeighbour,
  type DoctorSighting,
  type Finding,
  findingCodes,
} from '../../protocol/doctor.ts';
import { DeviceId } from '../../protocol/ids.ts';

const self = DeviceId.parse('a'.repeat(52));
const annaId = DeviceId.parse('b'.repeat(52));
const bobId = DeviceId.parse('c'.repeat(52));
const began = '2026-11-20T10:00:00.000Z';
const before = '2026-11-20T09:40:00.000Z';
const after = '2026-11-20T10:00:01.000Z';

const eth0: DoctorCard = {
  name: 'eth0',
  addresses: ['10.0.0.5/24', 'fd00::5/64', 'fe80::5%eth0/64'],
  loopback: false,
  used: true,
  reason: 'an ordinary card of a network',
};
const lo: DoctorCard = { name: 'lo', addresses: ['127.0.0.1/8'], loopback: true, used: false, reason: 'loopback' };

const link4: DoctorLink = {
  card: 'eth0',
  family: 4,
  works: true,
  sent: 10,
  received: 20,
  own: 10,
  lastReceived: after,
  problem: null,
};
const link6: DoctorLink = { ...link4, family: 6 };
const unheard = { received: 0, lastReceived: null };
const taken = { works: false, problem: 'EADDRINUSE', sent: 0, own: 0, ...unheard };

const anna: DoctorNeighbour = {
  id: annaId,
  name: 'Anna',
  state: 'ready',
  multicast: true,
  blocked: false,
  addresses: ['10.0.0.7'],
  port: 6631,
  problem: null,
};
const annaSeen: DoctorSighting = {
  id: annaId,
  card: null,
  name: 'Anna',
  host: null,
  port: 6631,
  addresses: ['10.0.0.7', 'fe80::7%eth0'],
};
const annaThere: DoctorSighting = {
  ...annaSeen,
  card: 'eth0',
  host: 'nh-bbbbbbbb.local',
  addresses: ['10.0.0.7', 'fe80::7'],
};
const meThere: DoctorSighting = {
  id: self,
  card: 'eth0',
  name: 'Me',
  host: 'nh-aaaaaaaa.local',
  port: 6631,
  addresses: ['10.0.0.5', 'fd00::5', 'fe80::5'],
};
const wellOpinion = { sightings: [meThere, annaThere], failures: [] };
const selfOnly = { sightings: [meThere], failures: [] };

/** One neighbour, and nothing wrong. */
const wellFacts: DoctorFacts = {
  began,
  seconds: 3,
  device: { id: self, name: 'Me' },
  peersPort: 6631,
  hostName: 'nh-aaaaaaaa.local',
  announced: [{ wanted: 'Me', name: 'Me', type: 'nethood', port: 6631 }],
  port5353: { others: 0, avahi: false },
  cards: [eth0, lo],
  packets: [link4, link6],
  neighbours: [anna],
  sightings: [annaSeen],
  secondOpinion: wellOpinion,
};
/** Nobody is around, and nothing is heard. */
const lonely: Partial<DoctorFacts> = {
  packets: [
    { ...link4, ...unheard },
    { ...link6, ...unheard },
  ],
  neighbours: [],
  sightings: [],
  secondOpinion: selfOnly,
};

interface Situation {
  readonly facts: Partial<DoctorFacts>;
  /** Severity and code of each finding, in order. */
  readonly findings: readonly string[];
  /** What one of the sentences says. */
  readonly says: string;
}

const situations: Readonly<Record<string, Situation>> = {
  'all is well': {
    facts: {},
    findings: ['ok hears-others', 'ok announced', 'ok in-session'],
    says: 'Neighbours on eth0 are told nh-aaaaaaaa.local with 10.0.0.5, fd00::5, fe80::5, port 6631.',
  },
  'no card has an address': {
    facts: { cards: [{ ...lo, used: false }], packets: [], ...lonely, secondOpinion: { sightings: [], failures: [] } },
    findings: ['problem no-card', 'note alone'],
    says: 'No network card with an address is in use',
  },
  'loopback is all there is': {
    facts: {
      ...lonely,
      cards: [{ ...lo, used: true }],
      packets: [{ ...link4, ...unheard, card: 'lo' }],
      secondOpinion: { sightings: [{ ...meThere, card: 'lo', addresses: ['127.0.0.1'] }], failures: [] },
    },
    findings: ['note loopback-only', 'note alone', 'ok announced'],
    says: 'agents on this PC find each other, nobody else does',
  },
  'another program keeps the port for itself': {
    facts: {
      ...lonely,
      packets: [
        { ...link4, ...taken },
        { ...link6, ...taken },
      ],
      secondOpinion: { sightings: [], failures: [{ card: 'eth0', code: 'EADDRINUSE' }] },
      port5353: { others: 1, avahi: false },
    },
    findings: ['problem port-taken', 'problem port-taken', 'note alone'],
    says: 'nobody can be found on eth0 by IPv4',
  },
  'one family does not work, the other does': {
    facts: { packets: [link4, { ...link6, works: false, problem: 'ENODEV' }] },
    findings: ['note link-broken', 'ok hears-others', 'ok announced', 'ok in-session'],
    says: 'eth0 carries no multicast of IPv6 (ENODEV).',
  },
  'no family works': {
    facts: {
      ...lonely,
      packets: [{ ...link4, ...taken, problem: 'ENETUNREACH' }],
      secondOpinion: { sightings: [], failures: [] },
    },
    findings: ['problem link-broken', 'note alone'],
    says: 'eth0 carries no multicast of IPv4 (ENETUNREACH).',
  },
  'a card has only just come': {
    facts: {
      ...lonely,
      packets: [{ ...link4, ...taken, problem: null }],
      secondOpinion: { sightings: [], failures: [] },
    },
    findings: ['note link-broken', 'note alone'],
    says: 'eth0 carries no multicast of IPv4 yet.',
  },
  'Avahi is beside us': {
    facts: { port5353: { others: 2, avahi: true } },
    findings: ['ok port-shared', 'ok hears-others', 'ok announced', 'ok in-session'],
    says: 'Avahi shares UDP port 5353',
  },
  'somebody else is beside us': {
    facts: { port5353: { others: 1, avahi: false } },
    findings: ['ok port-shared', 'ok hears-others', 'ok announced', 'ok in-session'],
    says: '1 socket of another program on this PC',
  },
  'the system does not tell who has the port': {
    facts: { port5353: { others: null, avahi: false } },
    findings: ['ok hears-others', 'ok announced', 'ok in-session'],
    says: '1 neighbour is in session.',
  },
  'a firewall of this PC lets nothing in': {
    facts: {
      ...lonely,
      packets: [{ ...link4, ...unheard, own: 0 }],
      secondOpinion: { sightings: [], failures: [] },
    },
    findings: ['problem own-lost', 'note alone'],
    says: "Not even this PC's own multicast comes back on eth0",
  },
  'only our own packets come back, and nobody is known': {
    facts: lonely,
    findings: ['note nobody-heard', 'note alone', 'ok announced'],
    says: 'nobody else is there, or the network or their firewalls keep it away',
  },
  'only our own packets come back, but a neighbour is in session': {
    facts: { ...lonely, neighbours: [{ ...anna, multicast: false }] },
    findings: ['problem multicast-filtered', 'note without-multicast', 'ok announced', 'ok in-session'],
    says: 'though 1 neighbour is in session there: the network filters multicast',
  },
  'only our own packets come back, and the neighbour in session is in another network': {
    facts: { ...lonely, neighbours: [{ ...anna, multicast: false, addresses: ['192.0.2.7', 'fe80::7%eth1'] }] },
    findings: ['note nobody-heard', 'note without-multicast', 'ok announced', 'ok in-session'],
    says: '"Anna" is in session, but not seen by multicast',
  },
  'answers to us alone were heard, multicast is not': {
    facts: { packets: [{ ...link4, lastReceived: before }], secondOpinion: selfOnly },
    findings: ['problem multicast-filtered', 'ok announced', 'ok in-session', 'ok seen-by-us-only'],
    says: 'Nobody answers by multicast on eth0',
  },
  'other devices are heard now and then, no agents': {
    facts: { ...lonely, packets: [{ ...link4, lastReceived: before }] },
    findings: ['note alone', 'ok hears-others', 'ok announced'],
    says: 'Others are heard on eth0: 20 packets so far.',
  },
  'neighbours fell silent': {
    facts: {
      packets: [{ ...link4, lastReceived: before }],
      neighbours: [{ ...anna, state: 'found' }],
      secondOpinion: selfOnly,
    },
    findings: ['note fell-silent', 'note no-session', 'ok announced', 'ok seen-by-us-only'],
    says: `the last packet of another PC came at ${before}`,
  },
  'our name was taken': {
    facts: {
      announced: [
        { wanted: 'Me', name: 'Me (2)', type: 'nethood', port: 6631 },
        { wanted: 'Laser (Me)', name: 'Laser (Me) (2)', type: 'ipp', port: 6632 },
        { wanted: 'Laser (Me)', name: 'Laser (Me) (2)', type: 'ipps', port: 6632 },
      ],
    },
    findings: ['note renamed', 'note renamed', 'ok hears-others', 'ok announced', 'ok in-session'],
    says: '"Me" is announced as "Me (2)": the name was taken.',
  },
  'the second opinion does not find us': {
    facts: { secondOpinion: { sightings: [annaThere], failures: [] } },
    findings: ['problem not-announced', 'ok hears-others', 'ok in-session'],
    says: 'The independent browser does not find this device on eth0.',
  },
  'nothing is announced yet': {
    facts: { announced: [], secondOpinion: { sightings: [annaThere], failures: [] } },
    findings: ['ok hears-others', 'ok in-session'],
    says: 'Others are heard on eth0: 40 packets so far.',
  },
  'neighbours are told an address of another card': {
    facts: {
      secondOpinion: { sightings: [{ ...meThere, addresses: ['10.0.0.5', '172.17.0.1'] }, annaThere], failures: [] },
    },
    findings: ['problem wrong-address', 'ok hears-others', 'ok in-session'],
    says: 'are told the address 172.17.0.1, which this PC does not have there',
  },
  'neighbours are told no address': {
    facts: { secondOpinion: { sightings: [{ ...meThere, addresses: [] }, annaThere], failures: [] } },
    findings: ['problem wrong-address', 'ok hears-others', 'ok in-session'],
    says: 'Neighbours on eth0 are told no address of this PC.',
  },
  'neighbours are told another port': {
    facts: { secondOpinion: { sightings: [{ ...meThere, port: 6641 }, annaThere], failures: [] } },
    findings: ['problem wrong-port', 'ok hears-others', 'ok in-session'],
    says: 'are told port 6641 for "Me", but this agent listens on 6631',
  },
  'a neighbour is seen but cannot be reached': {
    facts: { neighbours: [{ ...anna, state: 'gone', problem: 'It does not answer at 10.0.0.7.' }] },
    findings: ['problem no-session', 'ok hears-others', 'ok announced'],
    says: '"Anna" is seen, but no session with it stands. It does not answer at 10.0.0.7.',
  },
  'a neighbour is being dialled': {
    facts: { neighbours: [{ ...anna, state: 'connecting' }] },
    findings: ['note no-session', 'ok hears-others', 'ok announced'],
    says: '"Anna" is seen, and no session stands yet.',
  },
  'a neighbour is blocked, another is away': {
    facts: {
      neighbours: [
        { ...anna, state: 'found', blocked: true },
        { ...anna, id: bobId, name: 'Bob', state: 'gone', multicast: false, problem: 'It left.' },
      ],
    },
    findings: ['ok hears-others', 'ok announced'],
    says: 'Others are heard',
  },
  'one of several neighbours is known from memory only': {
    facts: { neighbours: [anna, { ...anna, id: bobId, name: 'Bob', multicast: false }] },
    findings: ['note without-multicast', 'ok hears-others', 'ok announced', 'ok in-session'],
    says: '"Bob" is in session, but not seen by multicast',
  },
  'the second opinion sees one that we do not': {
    facts: {
      secondOpinion: {
        sightings: [meThere, annaThere, { ...annaThere, id: bobId, name: 'Bob', addresses: ['10.0.0.8'] }],
        failures: [],
      },
    },
    findings: ['problem missed', 'ok hears-others', 'ok announced', 'ok in-session'],
    says: 'The independent browser finds "Bob", this agent does not.',
  },
  'one announces itself from another network': {
    facts: {
      secondOpinion: {
        sightings: [meThere, annaThere, { ...annaThere, id: bobId, name: 'Bob', addresses: ['192.0.2.8'] }],
        failures: [],
      },
    },
    findings: ['note off-link', 'ok hears-others', 'ok announced', 'ok in-session'],
    says: '"Bob" announces only addresses outside of this network (192.0.2.8)',
  },
  'what we know of a neighbour is old': {
    facts: { secondOpinion: { sightings: [meThere, { ...annaThere, addresses: ['10.0.0.99'] }], failures: [] } },
    findings: ['problem stale', 'ok hears-others', 'ok announced', 'ok in-session'],
    says: '"Anna" announces 10.0.0.99 port 6631, this agent knows 10.0.0.7, fe80::7%eth0 port 6631.',
  },
  'the second opinion sees less than we do': {
    facts: { secondOpinion: selfOnly },
    findings: ['ok hears-others', 'ok announced', 'ok in-session', 'ok seen-by-us-only'],
    says: 'did not see "Anna"; this agent does',
  },
  'the second opinion could not look': {
    facts: { secondOpinion: { sightings: [], failures: [{ card: 'eth0', code: 'EADDRINUSE' }] } },
    findings: ['note no-second-opinion', 'ok hears-others', 'ok in-session'],
    says: 'The independent browser could not look on eth0 (EADDRINUSE).',
  },
};

function diagnosed(facts: Partial<DoctorFacts>): Finding[] {
  return diagnose({ ...wellFacts, ...facts });
}

function many(over: Partial<DoctorNeighbour>): DoctorNeighbour[] {
  return Array.from({ length: 500 }, (_, at) => Object.assign({}, anna, over, { name: `PC ${at}` }));
}

describe('the diagnosis', () => {
  test.each(Object.entries(situations))('%s', (_, { facts, findings, says }) => {
    const found = diagnosed(facts);
    expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(findings);
    expect(found.map(({ message }) => message).join('\n')).toContain(says);
  });

  test('has a situation for every code', () => {
    const shown = new Set(Object.values(situations).flatMap(({ facts }) => diagnosed(facts).map(({ code }) => code)));
    expect(findingCodes.filter((code) => !shown.has(code))).toEqual([]);
  });

  test('says whole sentences, and what to do about every problem', () => {
    for (const { message, advice, severity } of Object.values(situations).flatMap(({ facts }) => diagnosed(facts))) {
      expect(message).toMatch(/^["A-Z0-9a-z].*\.$/);
      if (severity === 'problem') expect(advice).toMatch(/\.$/);
      if (severity === 'ok') expect(advice).toBeNull();
    }
  });

  test('stays short where many neighbours share a fault', () => {
    const away = many({ state: 'gone', problem: 'It does not answer.' });
    const found = diagnosed({ neighbours: [...away, ...many({ multicast: false })] });
    expect(found.length).toBeLessThan(20);
    expect(Math.max(...found.map(({ message }) => message.length))).toBeLessThan(300);
  });
});

/** What `nethood doctor` finds on this PC and around it: facts as they are, then what they mean. */
import { z } from 'zod';
import { DeviceId, DisplayName } from './ids.ts';

const Text = z.string().max(4096);
const Count = z.int().min(0);
/** 0 where a foreign announcement says so: nothing to connect to. */
const Port = z.int().min(0).max(65_535);
/** ISO 8601, UTC. */
const Time = z.iso.datetime();

export const DoctorCard = z.object({
  name: Text,
  /** With prefix, link-local IPv6 with its zone: `10.77.0.1/24`, `fe80::1%eth0/64`. */
  addresses: z.array(Text),
  loopback: z.boolean(),
  used: z.boolean(),
  /** Why it is used or not, in words. */
  reason: Text,
});
export type DoctorCard = z.infer<typeof DoctorCard>;

/** Multicast packets of one card and family since the card is in use. */
export const DoctorLink = z.object({
  card: Text,
  family: z.union([z.literal(4), z.literal(6)]),
  works: z.boolean(),
  sent: Count,
  /** From other hosts. */
  received: Count,
  /** From this PC itself: what came back. */
  own: Count,
  lastReceived: Time.nullable(),
  /** The system's code for why it does not work: `EADDRINUSE`. */
  problem: Text.nullable(),
});
export type DoctorLink = z.infer<typeof DoctorLink>;

const DoctorAnnouncement = z.object({
  wanted: Text,
  /** Another one where the wanted name was taken. */
  name: Text,
  type: Text,
  port: Port,
});

export const DoctorNeighbour = z.object({
  id: DeviceId,
  name: DisplayName,
  state: z.enum(['found', 'connecting', 'ready', 'gone']),
  /** Its multicast is heard now; else it is remembered, was added by hand, or called us. */
  multicast: z.boolean(),
  blocked: z.boolean(),
  addresses: z.array(Text),
  port: Port,
  problem: Text.nullable(),
});
export type DoctorNeighbour = z.infer<typeof DoctorNeighbour>;

/** An agent as it announces itself, ourselves included. */
export const DoctorSighting = z.object({
  id: DeviceId.nullable(),
  /** Null where we do not tell cards apart. */
  card: Text.nullable(),
  name: Text,
  host: Text.nullable(),
  port: Port,
  addresses: z.array(Text),
});
export type DoctorSighting = z.infer<typeof DoctorSighting>;

export const findingCodes = [
  'no-card',
  'loopback-only',
  'port-taken',
  'link-broken',
  'port-shared',
  'own-lost',
  'nobody-heard',
  'multicast-filtered',
  'fell-silent',
  'hears-others',
  'announced',
  'not-announced',
  'wrong-address',
  'wrong-port',
  'renamed',
  'in-session',
  'alone',
  'no-session',
  'without-multicast',
  'missed',
  'off-link',
  'stale',
  'seen-by-us-only',
  'no-second-opinion',
] as const;

export const Finding = z.object({
  code: z.enum(findingCodes),
  severity: z.enum(['ok', 'note', 'problem']),
  /** One or two plain sentences. */
  message: Text,
  /** One thing to do; null where there is nothing to do. */
  advice: Text.nullable(),
});
export type Finding = z.infer<typeof Finding>;
export type FindingCode = Finding['code'];

export const DoctorReport = z.object({
  /** When the look around began, and how long it took. */
  began: Time,
  seconds: z.number().min(0),
  device: z.object({ id: DeviceId, name: DisplayName }),
  peersPort: Port,
  /** Under which we announce: `nh-k3q7x2mf.local`. */
  hostName: Text,
  announced: z.array(DoctorAnnouncement),
  /** Who else has UDP port 5353 on this PC; null where the system does not tell. */
  port5353: z.object({ others: Count.nullable(), avahi: z.boolean() }),
  cards: z.array(DoctorCard),
  packets: z.array(DoctorLink),
  neighbours: z.array(DoctorNeighbour),
  /** What our own engine sees. */
  sightings: z.array(DoctorSighting),
  /** What an independent browser saw meanwhile, and where it could not look. */
  secondOpinion: z.object({
    sightings: z.array(DoctorSighting),
    failures: z.array(z.object({ card: Text, code: Text })),
  }),
  /** Problems first. */
  findings: z.array(Finding),
});
export type DoctorReport = z.infer<typeof DoctorReport>;
export type DoctorFacts = Omit<DoctorReport, 'findings'>;

import { afterEach, describe, expect, it } from 'vitest';
import { createDoctor, type Doctor, type DoctorDeps } from '../../agent/control/doctor.ts';
import { judgeCards } from '../../agent/discovery/cards.ts';
import type { SecondOpinionDeps, SeenInstance } from '../../agent/discovery/second-opinion.ts';
import type { Neighbour } from '../../agent/peers/neighbours.ts';
import { DoctorReport } from '../../protocol/doctor.ts';
import { SimClock } from '../sim/clock.ts';
import { annaId, bobId, ownId } from './samples.ts';

const anna: Neighbour = {
  id: annaId,
  name: 'Anna',
  state: 'ready',
  trust: 'stranger',
  addresses: [{ address: 'fe80::7', zone: 'eth0' }, { address: '10.0.0.7' }],
  port: 6631,
  resources: { shares: [], printers: [] },
  features: new Set(),
  problem: undefined,
  lastSeen: 0,
};
const seen: SeenInstance = {
  card: 'eth0',
  instance: 'Me',
  host: 'nh-aaaaaaaa.local',
  port: 6631,
  addresses: ['10.0.0.5'],
  id: ownId,
};
const mac = '52:54:00:12:34:56';
const eth0 = { address: '10.0.0.5', netmask: '', family: 'IPv4' as const, mac, internal: false, cidr: '10.0.0.5/24' };

const never = new AbortController().signal;
let doctor: Doctor;
afterEach(() => doctor[Symbol.asyncDispose]());

/** Without `browse`: it takes as long as it is told to. */
function prepare(
  browse?: DoctorDeps['browse'],
  over: Partial<DoctorDeps> = {},
): { clock: SimClock; looks: string[][] } {
  const clock = new SimClock();
  const looks: string[][] = [];
  const patient = async ({ cards, signal }: SecondOpinionDeps, ms: number): Promise<SeenInstance[]> => {
    looks.push(cards.map(({ name }) => name));
    await new Promise<void>((resolve, reject) => {
      clock.timer(ms, resolve);
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
    return [seen];
  };
  doctor = createDoctor({
    clock,
    device: { id: ownId, name: () => 'Me' },
    peersPort: 6631,
    cards: () => judgeCards({ eth0: [eth0], eth1: [] }, { use: [], ignore: [], networks: [] }, 'linux'),
    discovery: {
      report: () => ({
        links: [
          {
            card: 'eth0',
            family: 4,
            works: true,
            sent: { packets: 3, bytes: 300 },
            received: { packets: 2, bytes: 200 },
            own: { packets: 3, bytes: 300 },
            lastReceivedAt: clock.wall(),
            problem: undefined,
          },
        ],
        hostName: 'nh-aaaaaaaa.local',
        announced: [{ wanted: 'Me', name: 'Me', type: 'nethood', port: 6631 }],
      }),
    },
    sources: {
      sightings: () => new Map([['mdns', [{ id: annaId, name: 'Anna', port: 6631, addresses: anna.addresses }]]]),
    },
    neighbours: {
      list: () => [anna, { ...anna, id: bobId, name: 'B\u0007b', trust: 'blocked', problem: 'x'.repeat(9_999) }],
    },
    browse: browse ?? patient,
    portUsers: async () => ({ others: 1, avahi: true }),
    ...over,
  });
  return { clock, looks };
}

describe('the doctor', () => {
  it('gathers what every part knows, after 3 s, as a document that fits its schema', async () => {
    const { clock, looks } = prepare();
    const asked = doctor.examine(never);
    await clock.advance(3_000);
    const report = await asked;
    expect(DoctorReport.parse(report)).toEqual(report);
    expect(looks).toEqual([['eth0']]);
    expect(report).toMatchObject({
      seconds: 3,
      device: { id: ownId, name: 'Me' },
      port5353: { others: 1, avahi: true },
      cards: [
        { name: 'eth0', addresses: ['10.0.0.5/24'], used: true, reason: 'an ordinary card of a network' },
        { name: 'eth1', addresses: [], used: false, reason: 'has no address: not connected, or not configured' },
      ],
      packets: [{ card: 'eth0', sent: 3, received: 2, own: 3, problem: null }],
      neighbours: [
        { name: 'Anna', multicast: true, blocked: false, addresses: ['fe80::7%eth0', '10.0.0.7'] },
        { name: 'k3zz-cccc', multicast: false, blocked: true },
      ],
      sightings: [{ id: annaId, card: null, host: null }],
      secondOpinion: { sightings: [{ id: ownId, card: 'eth0', host: 'nh-aaaaaaaa.local' }], failures: [] },
    });
    expect(report.findings.map(({ code }) => code)).toContain('announced');
  });

  it('gives everybody who asks meanwhile the same answer, and the next one a new one', async () => {
    const { clock, looks } = prepare();
    const [first, second] = [doctor.examine(never), doctor.examine(never)];
    await clock.advance(3_000);
    expect(await first).toBe(await second);
    const third = doctor.examine(never);
    await clock.advance(3_000);
    expect(await third).not.toBe(await first);
    expect(looks).toHaveLength(2);
  });

  it('says where the second opinion could not look', async () => {
    prepare(async ({ failed }) => {
      failed('eth0', Object.assign(new Error('bind EADDRINUSE'), { code: 'EADDRINUSE' }));
      failed('eth0', new Error('without a code'));
      return [];
    });
    expect((await doctor.examine(never)).secondOpinion).toEqual({
      sightings: [],
      failures: [
        { card: 'eth0', code: 'EADDRINUSE' },
        { card: 'eth0', code: 'without a code' },
      ],
    });
  });

  it('goes on for others when one who asked goes away', async () => {
    const { clock } = prepare();
    const left = new AbortController();
    const [first, second] = [doctor.examine(left.signal), doctor.examine(never)];
    const refused = expect(first).rejects.toThrow('away');
    left.abort(new Error('away'));
    await refused;
    await clock.advance(3_000);
    expect((await second).seconds).toBe(3);
    await expect(doctor.examine(left.signal)).rejects.toThrow('away');
  });

  it('ends at once when the agent stops, and tells who asked', async () => {
    prepare();
    const asked = doctor.examine(never);
    const refused = expect(asked).rejects.toThrow('The scope has ended.');
    await doctor[Symbol.asyncDispose]();
    await refused;
  });
});

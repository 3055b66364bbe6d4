import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { DoctorReport } from '../../protocol/doctor.ts';
import { type FakeAgent, startFakeAgent } from '../control/fake-agent.ts';
import { doctorReport } from '../control/samples.ts';
import { cli, cliJson } from './support.ts';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const start = async (report: DoctorReport = doctorReport): Promise<FakeAgent> =>
  scope.use(await startFakeAgent({ calls: { doctor: async () => report } }));

describe('nethood doctor', () => {
  it('gives the whole report as its one document', async () => {
    expect(await cliJson(await start(), 'doctor')).toEqual({ code: 0, document: doctorReport });
  });

  it('says it to people in short sections, then sentences, and ends well whatever it found', async () => {
    const agent = await start({
      ...doctorReport,
      findings: [
        { code: 'missed', severity: 'problem', message: 'Bob is missed.', advice: 'Ask again.' },
        ...doctorReport.findings,
      ],
    });
    const { code, stdout, stderr } = await cli(['doctor'], { home: agent.home, env: { TZ: 'UTC' } });
    expect([code, stderr]).toEqual([0, '']);
    const when = /\d{4}-\d\d-\d\d \d\d:\d\d/;
    expect(stdout.replace(when, 'WHEN').split('\n')).toEqual([
      'CARD  USED  WHY                            ADDRESSES',
      'eth0  yes   an ordinary card of a network  10.20.0.5/24, fe80::5%eth0/64',
      'lo    no    loopback                       127.0.0.1/8',
      '',
      'MULTICAST  SENT  HEARD  OWN  LAST HEARD',
      'eth0 IPv4    12     30   12  WHEN',
      'Announced: "Me (2)" nethood 6631 on nh-aaaaaaaa.local',
      'Independent browser: sees this device: yes, others: 1',
      '',
      'NEIGHBOUR  STATE  MULTICAST  PORT  ADDRESSES',
      'Anna       ready  yes        6631  10.20.0.7',
      '',
      '! Bob is missed.',
      '    Ask again.',
      '- Called otherwise.',
      '    Choose another name.',
      '+ One is there.',
      '',
      '1 problem was found.',
      '',
    ]);
  });

  it('says what does not work, and stays readable where there is nothing', async () => {
    const [link] = doctorReport.packets;
    if (link === undefined) throw new Error('the sample has a link');
    const agent = await start({
      ...doctorReport,
      announced: [],
      packets: [
        { ...link, works: false, problem: 'EADDRINUSE' },
        { ...link, family: 6, works: false },
        { ...link, lastReceived: null },
      ],
      neighbours: [],
      secondOpinion: { sightings: [], failures: [{ card: 'eth0', code: 'EADDRINUSE' }] },
      findings: [],
    });
    const { stdout } = await cli(['doctor'], { home: agent.home });
    for (const text of [
      'does not work (EADDRINUSE)',
      'does not work yet',
      'never',
      'Announced: nothing',
      'sees this device: no, others: 0, could not look on eth0',
      'No problem was found.',
    ])
      expect(stdout).toContain(text);
    expect(stdout).not.toContain('NEIGHBOUR');
  });

  it('shows on a terminal that it works, and takes that away', async () => {
    const agent = await start();
    const { stderr } = await cli(['doctor'], { home: agent.home, terminal: true });
    expect(stderr).toBe('\rLooking around for 3 seconds …\u001b[K\r\u001b[K');
    expect((await cli(['doctor', '--json'], { home: agent.home, terminal: true })).stderr).toBe('');
  });

  it('of one neighbour is not in this version', async () => {
    const agent = await start();
    const { code, document } = await cliJson(agent, 'doctor', 'anna');
    expect(code).toBe(2);
    expect(document).toMatchObject({ error: { code: 'unsupported' } });
    expect(agent.asked).toEqual([]);
  });

  it('makes what others call themselves harmless', async () => {
    const agent = await start({
      ...doctorReport,
      findings: [{ code: 'missed', severity: 'problem', message: 'The \u001b[2J is missed.', advice: null }],
    });
    const { stdout } = await cli(['doctor'], { home: agent.home });
    expect(stdout).toContain(String.raw`! The \x1b[2J is missed.`);
  });
});

// needs: namespaces avahi
/** `nethood doctor` in an office of namespaces, against what was really done to the network. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { DoctorReport, type FindingCode } from '../../protocol/doctor.ts';
import { TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
let office: Office;
let anna: TestAgent;
let bob: TestAgent;

async function prepare(k: number, name: string): Promise<TestAgent> {
  return scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(k) }, name }));
}

beforeAll(async () => {
  office = scope.use(await startOffice(3, { secondCards: [1] }));
  await office.avahi(1, 'start');
  [anna, bob] = [await prepare(1, 'Anna'), await prepare(2, 'Bob')];
  await Promise.all([anna.start(), bob.start()]);
  await until(async () => (await bob.nethood('neighbours')).stdout.includes('ready'), {
    what: () => `Bob to be in session: ${bob.output}`,
    withinMs: 10_000,
  });
});
afterAll(() => scope[Symbol.asyncDispose]());

const examine = (agent: TestAgent): Promise<DoctorReport> => agent.json(DoctorReport, 'doctor');

function codes({ findings }: DoctorReport): FindingCode[] {
  return findings.map(({ code }) => code);
}

describe('nethood doctor', () => {
  it('finds nothing wrong where nothing is, and says what neighbours are told', async () => {
    const began = performance.now();
    const report = await examine(bob);
    console.log(`doctor took ${Math.round(performance.now() - began)} ms`);
    expect(performance.now() - began).toBeLessThan(count(20_000, 5_000));
    expect(report.findings.filter(({ severity }) => severity !== 'ok')).toEqual([]);
    expect(codes(report)).toEqual(['hears-others', 'announced', 'in-session']);
    expect(report.findings[1]?.message).toContain(`with ${office.address(2)},`);
    expect(report.port5353).toEqual({ others: 0, avahi: false });
    const [link] = report.packets;
    expect(link).toMatchObject({ card: 'eth0', family: 4, works: true, problem: null });
    expect(Math.min(link?.sent ?? 0, link?.received ?? 0, link?.own ?? 0)).toBeGreaterThan(0);
    expect(report.neighbours).toMatchObject([{ name: 'Anna', state: 'ready', multicast: true, port: 6631 }]);
    expect(report.secondOpinion.sightings.map(({ name }) => name).toSorted()).toEqual(['Anna', 'Bob']);
  });

  it('tells the cards apart, and who else has the port', async () => {
    const report = await examine(anna);
    expect(report.port5353.avahi).toBe(true);
    expect(report.port5353.others).toBeGreaterThan(0);
    expect(codes(report)).toContain('port-shared');
    expect(report.cards.map(({ name, used }) => `${name} ${used}`).toSorted()).toEqual([
      'eth0 true',
      'eth1 true',
      'lo false',
    ]);
    const told = report.findings.filter(({ code }) => code === 'announced').map(({ message }) => message);
    expect(told).toHaveLength(2);
    expect(told[0]).toContain(`eth0 are told ${report.hostName} with ${office.address(1)},`);
    expect(told[0]).not.toContain(office.address(1, 2));
    expect(told[1]).toContain(`eth1 are told ${report.hostName} with ${office.address(1, 2)},`);
    // Nobody else is on the second LAN.
    expect(report.findings.find(({ code }) => code === 'nobody-heard')?.message).toContain('eth1');
  });

  it('says it in a terminal too, exit 0', async () => {
    const { code, stdout, stderr } = await bob.nethood('doctor');
    expect([code, stderr]).toEqual([0, '']);
    for (const text of ['CARD', 'MULTICAST', 'NEIGHBOUR', '+ 1 neighbour is in session.', 'No problem was found.'])
      expect(stdout).toContain(text);
  });

  it('names a program that keeps the port for itself', async () => {
    await using keeper = await office.spawn(3, 'python3', [
      '-c',
      'import socket,time; s=socket.socket(2,2); s.bind(("0.0.0.0",5353)); print("kept", flush=True); time.sleep(1000)',
    ]);
    await keeper.waitFor(/kept/);
    await using carol = await prepare(3, 'Carol');
    await carol.start();
    const report = await examine(carol);
    expect(codes(report)).toContain('port-taken');
    expect(report.packets.find(({ family }) => family === 4)).toMatchObject({ works: false, problem: 'EADDRINUSE' });
    expect(report.secondOpinion.failures).toEqual([{ card: 'eth0', code: 'EADDRINUSE' }]);
    expect(carol.pid).toBeGreaterThan(0);
    expect((await carol.nethood('status')).code).toBe(0);
  });

  it('sees that the network keeps multicast away from a neighbour in session', async () => {
    await office.filterMulticast(3);
    await using carol = await prepare(3, 'Carol');
    await carol.start();
    // The others hear it, and call.
    await until(async () => (await carol.nethood('neighbours')).stdout.includes('ready'), {
      what: () => `Carol to be in session: ${carol.output}`,
      withinMs: 10_000,
    });
    const report = await examine(carol);
    expect(codes(report)[0]).toBe('multicast-filtered');
    expect(report.secondOpinion.sightings.map(({ name }) => name)).toEqual(['Carol']);
    expect(codes(await examine(bob))).not.toContain('multicast-filtered');
  });

  it("sees that this PC's own firewall keeps multicast out, and still reaches whoever calls", async () => {
    await using blocked = await startOffice(2);
    await blocked.blockMdns(1);
    const inside = { host: { prefix: await blocked.entry(1) }, name: 'Dora' };
    await using dora = await TestAgent.prepare(inside);
    await using emil = await TestAgent.prepare({ host: { prefix: await blocked.entry(2) }, name: 'Emil' });
    await Promise.all([dora.start(), emil.start()]);
    await until(async () => (await dora.nethood('neighbours')).stdout.includes('ready'), {
      what: () => `Emil to call Dora: ${dora.output}`,
      withinMs: 10_000,
    });
    const [report, other] = await Promise.all([examine(dora), examine(emil)]);
    expect(codes(report)[0]).toBe('own-lost');
    expect(report.findings[0]).toMatchObject({ severity: 'problem' });
    expect(report.findings[0]?.message).toContain('eth0');
    const [link] = report.packets;
    expect([link?.works, link?.received, link?.own]).toEqual([true, 0, 0]);
    expect(link?.sent).toBeGreaterThan(0);
    // What we send arrives, so the other side has nothing to complain of.
    expect(codes(other)).toContain('hears-others');
  });

  it('ends with the agent, at once', async () => {
    const asked = bob.nethood('doctor', '--json');
    await bob.nethood('stop');
    const { code, stdout } = await asked;
    expect([3, 6]).toContain(code);
    expect(JSON.parse(stdout)).toHaveProperty('error');
  });
});

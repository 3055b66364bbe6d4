// needs: namespaces mdns
/** Two real agents in session, and a third PC that lies about them to everybody. The full counts are kept in memory: `mdns-many`. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { encodeMessage } from '../../agent/discovery/dns-encode.ts';
import { type DnsMessage, type DnsRecord, recordTypes } from '../../agent/discovery/dns-types.ts';
import { NeighbourView } from '../../protocol/control.ts';
import { agentType, idOf, instanceRecords, noMessage, say } from '../discovery/engine-support.ts';
import { TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { MdnsStranger } from '../office/mdns-stranger.ts';
import { startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const neighboursOf = (agent: TestAgent): Promise<NeighbourView[]> => agent.json(z.array(NeighbourView), 'neighbours');

async function inSession(agent: TestAgent, id: string): Promise<NeighbourView | undefined> {
  return (await neighboursOf(agent)).find((one) => one.id === id && one.state === 'ready');
}

async function residentKb(agent: TestAgent): Promise<number> {
  const status = await readFile(`/proc/${agent.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

/** What it says of one victim, as if it were the victim: gone, elsewhere, its name wanted by another. */
function liesAbout({ id, name }: NeighbourView): DnsMessage[] {
  const truth = { label: name, host: `nh-${id.slice(0, 8)}`, port: 6631, id, address: '10.77.0.2' };
  const rival = instanceRecords({ ...truth, host: 'zz', port: 666, id: idOf('rival'), address: '10.77.0.3' });
  const question = { name: [name, ...agentType], type: recordTypes.ANY, unicast: false };
  const claim = rival.filter(({ data }) => data.type === 'SRV');
  return [
    response(instanceRecords({ ...truth, ttl: 0 })),
    response(instanceRecords({ ...truth, port: 666, address: '10.77.0.3' })),
    response(rival),
    { ...noMessage, response: false, questions: [question], authorities: claim },
  ];
}

function response(answers: readonly DnsRecord[]): DnsMessage {
  return { ...noMessage, answers };
}

function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** No messages: a pointer to itself, two to each other, one cut off, one too long, counts without records. */
function garbage(): Uint8Array[] {
  const whole = encodeMessage(response(forged(0)));
  return [
    hex('0000 8400 0001 0000 0000 0000 c00c 000c 0001'),
    hex('0000 8400 0002 0000 0000 0000 c012 000c 0001 c00c 000c 0001'),
    whole.subarray(0, whole.length - 7),
    Buffer.concat([whole, Buffer.alloc(20_000)]),
    hex('0000 8400 ffff ffff ffff ffff 00'),
    Buffer.alloc(0),
  ];
}

function forged(n: number): DnsRecord[] {
  const label = n % 3 === 0 ? `\u001b]0;owned\u0007 ${n}` : `<img src=x onerror=alert(${n})>`;
  return instanceRecords({ label, host: `forged-${n}`, port: 1, id: idOf(`forged ${n}`), address: '10.77.0.3' });
}

test('what a hostile sender says ends no session, reaches no terminal raw, and takes little memory', async () => {
  await using office = await startOffice(3);
  const [first, second] = [{ prefix: await office.entry(1) }, { prefix: await office.entry(2) }];
  await using anna = await TestAgent.start({ host: first, name: 'Anna' });
  await using bob = await TestAgent.start({ host: second, name: 'Bob' });
  const [theirs, ours] = await Promise.all(
    [anna, bob].map((agent) =>
      until(async () => (await neighboursOf(agent)).find(({ state }) => state === 'ready'), {
        what: () => `a session: ${agent.output}`,
        withinMs: 10_000,
      }),
    ),
  );
  if (theirs === undefined || ours === undefined) throw new Error('no session');
  const before = await Promise.all([anna, bob].map(residentKb));

  await using stranger = await MdnsStranger.start(office, 3);
  const lies = [theirs, ours].flatMap(liesAbout);
  const rounds = count(20, 200);
  for (let round = 0; round < rounds; round++) {
    const flood = Array.from({ length: 50 }, (_, n) => response(forged(round * 50 + n)));
    await Promise.all([...lies, ...flood, ...garbage()].map((packet) => stranger.send(packet)));
  }

  const after = await Promise.all([anna, bob].map(residentKb));
  say(`${rounds * (58 + 6)} hostile packets: RSS from ${before.join(' and ')} kB to ${after.join(' and ')} kB`);
  for (const [which, kb] of after.entries()) expect(kb - (before[which] ?? 0)).toBeLessThan(100_000);
  // The heartbeat answers still, and nobody called again.
  for (const [agent, other] of [
    [anna, theirs],
    [bob, ours],
  ] as const) {
    expect(await inSession(agent, other.id)).toMatchObject({ name: other.name, port: 6631 });
    expect(agent.output.match(new RegExp(`\\+ ${other.name} `, 'g'))).toHaveLength(1);
    expect(agent.output).not.toContain(`- ${other.name} `);
    const listed = await neighboursOf(agent);
    expect(listed.length).toBeLessThanOrEqual(66);
    const { code, stdout } = await agent.nethood('neighbours');
    expect([code, stdout.includes('\u001b'), agent.output.includes('\u001b')]).toEqual([0, false, false]);
  }
});

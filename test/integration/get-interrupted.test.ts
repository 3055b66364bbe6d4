// needs: namespaces
/** A transfer whose sender or receiver is killed again and again ends with the whole file, and never shows a part under its name. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { NeighbourView } from '../../protocol/control.ts';
import { Scope } from '../../agent/base/scope.ts';
import { TestAgent } from '../office/agents.ts';
import { count, seededRandom } from '../office/counts.ts';
import { writeRandomFile } from '../office/documents.ts';
import { startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
const size = 400 << 20;
let anna: TestAgent;
let bob: TestAgent;
let folder: string;
let wanted: string;

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const ready = (): Promise<boolean> =>
  until(
    async () =>
      (await bob.json(z.array(NeighbourView), 'neighbours')).some(
        ({ name, state }) => name === 'Anna' && state === 'ready',
      ),
    { what: () => `Bob to see Anna: ${bob.output}`, withinMs: 15_000 },
  );

beforeAll(async () => {
  const office = scope.use(await startOffice(2));
  folder = await mkdtemp(join(tmpdir(), 'nh-share-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  await writeRandomFile(join(folder, 'big.bin'), size);
  wanted = await sha256(join(folder, 'big.bin'));
  anna = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(1) }, name: 'Anna' }));
  bob = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(2) }, name: 'Bob' }));
  await Promise.all([anna.start(), bob.start()]);
  await anna.json(z.unknown(), 'share', folder, '--name', 'Projects');
  await ready();
});
afterAll(() => scope[Symbol.asyncDispose]());

it(`get survives ${count(10, 20)} kills of either side at random points`, async () => {
  const random = seededRandom();
  let resumed = 0;
  let kills = 0;
  let twice = 0;
  for (let round = 1; kills < count(10, 20); round++) {
    const destination = join(bob.files, `copy ${round}`);
    await mkdir(destination);
    const final = join(destination, 'big.bin');
    const before = await bob.bytesReceived();
    // One to three kills on the way of one file.
    for (let victims = 1 + Math.floor(random() * 3); victims > 0; victims--) {
      const cli = bob.spawnCli('get', 'Anna/Projects/big.bin', destination);
      let said = '';
      cli.stdout?.on('data', (data: Buffer) => (said += data.toString()));
      cli.stderr?.on('data', (data: Buffer) => (said += data.toString()));
      const ended = once(cli, 'close');
      const victim = random() < 0.5 ? anna : bob;
      await new Promise((resolve) => setTimeout(resolve, 150 + random() * 700));
      await victim.kill();
      kills++;
      if (existsSync(final)) expect(await sha256(final)).toBe(wanted);
      await victim.start();
      await ready();
      // The sender's death is waited out by the agent itself; the receiver's is not, its command says so.
      await ended;
      if (victim === anna) expect(cli.exitCode, `get waits for a sender that comes back: ${said}`).toBe(0);
    }
    const result = await bob.json(
      z.looseObject({ resumedFrom: z.int(), path: z.string() }),
      'get',
      'Anna/Projects/big.bin',
      destination,
    );
    twice += (await bob.bytesReceived()) - before - size;
    resumed += result.resumedFrom > 0 ? 1 : 0;
    expect(result.path).toBe(final);
    expect(await sha256(final)).toBe(wanted);
    expect(await readdir(destination)).toEqual(['big.bin']);
    await rm(destination, { recursive: true });
  }
  const share = `${((twice / (size * kills)) * 100).toFixed(1)} % of a file came twice for each kill`;
  console.log(`${kills} kills, ${resumed} files resumed, ${share}, all overhead included`);
  expect(resumed).toBeGreaterThan(0);
}, 600_000);

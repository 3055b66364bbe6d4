// needs: namespaces
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { type Office, startOffice } from '../office/office.ts';

/** Nothing listens there, so whoever is there refuses; where nobody is, nothing comes back. */
async function reaches(office: Office, from: number, to: number): Promise<boolean> {
  const connect = `timeout 2 bash -c ': > /dev/tcp/${office.address(to)}/9'`;
  return (await office.exec(from, 'bash', ['-c', connect])).stderr.includes('Connection refused');
}

test('hosts have a name of their own and reach each other until the cable is pulled', async () => {
  await using office = await startOffice(2);
  expect((await office.run(1, 'hostname')).trim()).toBe(office.hostName(1));
  expect(await reaches(office, 1, 2)).toBe(true);
  await office.partition(2);
  expect(await reaches(office, 1, 2)).toBe(false);
  await office.heal(2);
  await expect.poll(() => reaches(office, 1, 2), { timeout: 10_000 }).toBe(true);
});

test('two offices side by side do not see each other', async () => {
  await using first = await startOffice(2);
  await using second = await startOffice(1);
  expect(await reaches(first, 1, 2)).toBe(true);
  expect(await reaches(second, 1, 2)).toBe(false);
});

test('what runs inside ends with the office', async () => {
  const office = await startOffice(1);
  const child = await office.spawn(1, 'sh', ['-c', 'echo up; exec sleep 1000']);
  await child.waitFor(/up/);
  const { pid } = child;
  await office[Symbol.asyncDispose]();
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  expect(child.running).toBe(false);
});

test('an office goes down when its owner is killed', async () => {
  const owner = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const state = `${tmpdir()}/office-killed-${process.pid}`;
  const env = { ...process.env, OFFICE: `k${process.pid.toString(36)}x`, OFFICE_STATE: state };
  const up = spawn(`${import.meta.dirname}/../office/office`, ['up', '1'], {
    env: { ...env, OFFICE_OWNER: String(owner.pid) },
    stdio: 'ignore',
  });
  await new Promise((resolve) => up.once('exit', resolve));
  await access(state);
  owner.kill('SIGKILL');
  await expect
    .poll(
      () =>
        access(state).then(
          () => 'up',
          () => 'down',
        ),
      { timeout: 10_000 },
    )
    .toBe('down');
});

/** What is told to PowerShell. That Windows does it is for a real Windows to show. */
import { expect, test } from 'vitest';
import { scriptRunner, type RunScript } from '../../agent/platform/powershell-script.ts';
import { WindowsInstaller } from '../../agent/platform/printer-install-windows.ts';
import type { NewQueue } from '../../agent/printing/printer-installer.ts';

const never = new AbortController().signal;
const queue: NewQueue = {
  name: 'Laser_Anna',
  info: 'Laser (Anna)',
  location: '',
  uri: 'ipp://127.0.0.1:6630/ipp/print/x/laser',
  secretUri: 'ipp://nethood:secret@127.0.0.1:6630/ipp/print/x/laser?waitjob=false&waitprinter=false',
  user: 'bob',
};

function recorded(answer: string): { run: RunScript; asked: [string, unknown][] } {
  const asked: [string, unknown][] = [];
  return { asked, run: (script, input) => Promise.resolve((asked.push([script, input]), answer)) };
}

test('A queue is added by its address, which is no part of the script', async () => {
  const { run, asked } = recorded('');
  await new WindowsInstaller(run).add(queue, never);
  const [[script, input] = ['', {}]] = asked;
  expect(script).toContain('Add-Printer -IppURL $i.url');
  expect(script).not.toMatch(/secret|Laser/);
  expect(input).toEqual({
    name: 'Laser_Anna',
    url: 'http://nethood:secret@127.0.0.1:6630/ipp/print/x/laser',
    comment: 'nethood',
  });
});

test('A Windows without such printers says so', async () => {
  await expect(new WindowsInstaller(recorded('old\r\n').run).add(queue, never)).rejects.toMatchObject({
    code: 'unsupported',
  });
});

test('Names come as JSON, and nothing else counts', async () => {
  expect(await new WindowsInstaller(recorded('["PDF","Büro"]\r\n').run).names(never)).toEqual(['PDF', 'Büro']);
  await expect(new WindowsInstaller(recorded('Zugriff verweigert').run).names(never)).rejects.toMatchObject({
    code: 'unavailable',
  });
});

test('The command for a person has the secret in a file', async () => {
  const saved: string[] = [];
  const save = (bytes: Uint8Array): Promise<string> => {
    saved.push(Buffer.from(bytes).toString());
    return Promise.resolve("C:\\Users\\O'Neil\\x.ipp");
  };
  const installer = new WindowsInstaller(recorded('').run);
  expect(await installer.commandToAdd(queue, save)).toBe(
    "Add-Printer -IppURL (Get-Content -Raw -LiteralPath 'C:\\Users\\O''Neil\\x.ipp')",
  );
  expect(saved).toEqual(['http://nethood:secret@127.0.0.1:6630/ipp/print/x/laser']);
  expect(await installer.commandToRemove('Laser_Anna')).toBe("Remove-Printer -Name 'Laser_Anna'");
});

/** Node in the place of PowerShell: what it is given, and what becomes of its end. */
const played = (body: string): RunScript => scriptRunner([process.execPath, '-e', body]);

test('What a script works on comes on its standard input', async () => {
  const echo = played('process.stdin.pipe(process.stdout)');
  expect(await echo('$i.name', { name: '\'; Remove-Item C:\\ #\n"' }, never)).toBe(
    JSON.stringify({ name: '\'; Remove-Item C:\\ #\n"' }),
  );
  const told = played('console.log(process.argv.at(-1))');
  expect(await told('$i.name', { name: 'hostile' }, never)).not.toContain('hostile');
});

test.each([
  [5, 'not-permitted'],
  [1, 'unavailable'],
])('Exit code %i is %s', async (exit, code) => {
  const run = played(`console.error('HRESULT 0x5,Add-Printer'); process.exit(${exit})`);
  await expect(run('x', {}, never)).rejects.toMatchObject({
    code,
    message: expect.stringContaining('Add-Printer') as string,
  });
});

test('Where there is no PowerShell, that is said', async () => {
  await expect(scriptRunner(['/no/such/powershell'])('x', {}, never)).rejects.toMatchObject({ code: 'unavailable' });
});

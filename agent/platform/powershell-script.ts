/**
 * One run of a fixed script of PowerShell. What it works on comes as JSON on its standard input and as `$i` to the script,
 * so that no text from elsewhere is ever part of a command, and no secret stands in a command line.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { NethoodError } from '../../protocol/errors.ts';

export type RunScript = (script: string, input: unknown, signal: AbortSignal) => Promise<string>;

/** Its own exit codes: what went wrong comes as a category (ErrorCategory), since messages are in the user's language. */
const denied = 5;

const frame = (script: string): string =>
  [
    "$ErrorActionPreference='Stop'",
    '[Console]::InputEncoding=[Console]::OutputEncoding=New-Object Text.UTF8Encoding $false',
    `try { $i=[Console]::In.ReadToEnd() | ConvertFrom-Json; ${script} }`,
    `catch { [Console]::Error.Write($_.FullyQualifiedErrorId); if ($_.CategoryInfo.Category -eq 'PermissionDenied') { exit ${denied} } else { exit 1 } }`,
  ].join('; ');

/** By its whole path: a program of that name in the folder we were started from must not answer for it. */
export function powershellCommand(env: Readonly<Record<string, string | undefined>>): [string, ...string[]] {
  const root = env['SystemRoot'] ?? String.raw`C:\Windows`;
  const program = String.raw`${root}\System32\WindowsPowerShell\v1.0\powershell.exe`;
  return [program, '-NoLogo', '-NoProfile', '-NonInteractive', '-Command'];
}

/**
 * Where the agent was started from a newer PowerShell, its folders of modules are in the environment, and Windows' own
 * would load modules from there that it cannot run. Without, it finds its own.
 */
export function windowsEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.toLowerCase() !== 'psmodulepath'));
}

/** @param program the words before the script; the last of them takes it */
export function scriptRunner(program: readonly [string, ...string[]]): RunScript {
  const [command, ...words] = program;
  return async (script, input, signal) => {
    const child = spawn(command, [...words, frame(script)], { signal, stdio: 'pipe', windowsHide: true });
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
    // One that ends before it has read all says so by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(input));
    const [out, fault, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]).catch(
      (cause: unknown) => {
        signal.throwIfAborted();
        throw new NethoodError('unavailable', 'PowerShell cannot be started.', { cause });
      },
    );
    if (code === 0) return out;
    const id = fault
      .replaceAll(/[^\w.,-]+/g, ' ')
      .slice(0, 200)
      .trim();
    if (code === denied) throw new NethoodError('not-permitted', `Windows does not let you do that (${id}).`);
    throw new NethoodError('unavailable', `The print system of Windows failed (${id}).`);
  };
}

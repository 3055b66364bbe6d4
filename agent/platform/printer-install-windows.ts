/** Queues of Windows that lead to the gateway: its IPP class driver asks the gateway what it can do (`Add-Printer -IppURL`). */
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import type { NewQueue, PrinterInstaller } from '../printing/printer-installer.ts';
import type { RunScript } from './powershell-script.ts';
import { commentOfInstalled } from './windows-queue.ts';

const scripts = {
  names: 'ConvertTo-Json -Compress @(Get-Printer | ForEach-Object { $_.Name })',
  // Windows names it by itself, after what the printer says: ours is given to the one that is new. Its comment tells that it
  // leads here, so that it is not shared again.
  add: 'if (-not (Get-Command Add-Printer).Parameters.ContainsKey("IppURL")) { "old" } else { $before=@(Get-Printer | ForEach-Object { $_.Name }); Add-Printer -IppURL $i.url; $new=@(Get-Printer | Where-Object { $before -notcontains $_.Name }); if ($new.Count -ne 1) { throw "no new printer" }; Set-Printer -Name $new[0].Name -Comment $i.comment; Rename-Printer -InputObject $new[0] -NewName $i.name }',
  remove: 'Get-Printer | Where-Object { $_.Name -eq $i.name } | Remove-Printer',
} as const;

const Names = z.array(z.string().max(1_024)).max(10_000);

export class WindowsInstaller implements PrinterInstaller {
  readonly #run: RunScript;

  constructor(run: RunScript) {
    this.#run = run;
  }

  async names(signal: AbortSignal): Promise<readonly string[]> {
    const out = await this.#run(scripts.names, {}, signal);
    try {
      return Names.parse(JSON.parse(out));
    } catch (cause) {
      throw new NethoodError('unavailable', 'Windows answers with no list of printers.', { cause });
    }
  }

  async add(queue: NewQueue, signal: AbortSignal): Promise<void> {
    const said = await this.#run(
      scripts.add,
      { name: queue.name, url: addressOf(queue), comment: commentOfInstalled },
      signal,
    );
    if (said.trim() === 'old')
      throw new NethoodError('unsupported', 'This Windows adds no printers by their address; Windows 11 does.');
  }

  /** Its cmdlets do not document where the address of such a printer is kept. */
  leadsTo(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async redirect(queue: NewQueue, signal: AbortSignal): Promise<void> {
    await this.remove(queue.name, signal);
    await this.add(queue, signal);
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#run(scripts.remove, { name }, signal);
  }

  async commandToAdd(queue: NewQueue, save: (request: Uint8Array) => Promise<string>): Promise<string> {
    const file = await save(Buffer.from(addressOf(queue)));
    return `Add-Printer -IppURL (Get-Content -Raw -LiteralPath ${quoted(file)})`;
  }

  commandToRemove(name: string): Promise<string> {
    return Promise.resolve(`Remove-Printer -Name ${quoted(name)}`);
  }
}

/** By HTTP, and without what only CUPS reads. */
function addressOf({ secretUri }: NewQueue): string {
  return secretUri.replace(/^ipp:/, 'http:').replace(/\?.*$/, '');
}

/** A string of PowerShell in which nothing is looked up. */
function quoted(words: string): string {
  return `'${words.replaceAll("'", "''")}'`;
}

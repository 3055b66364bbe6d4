/**
 * Answers of the script as it gives them on Windows, under test/platform/recorded/windows-*.json. The properties, numbers
 * and shapes are those that the cmdlets document and that published outputs of `Get-Printer | ConvertTo-Json` and of
 * Win32_Printer show; none was taken from a Windows of our own (docs/windows-printing.md).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function recorded(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, `recorded/windows-${name}.json`), 'utf8'));
}

/** What is said to PowerShell and what counts of its answers; the fixed script as far as it can be read here. */
import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { powershellCommand, windowsEnvironment } from '../../agent/platform/powershell-script.ts';
import { answers, lineOf, readLine } from '../../agent/platform/windows-protocol.ts';
import { windowsScript } from '../../agent/platform/windows-script.ts';
import { recorded } from './windows-recorded.ts';

describe('A request', () => {
  test('is one line of ASCII, whatever it holds, and JSON means the same by it', () => {
    assert(
      property(string({ unit: 'binary' }), (text) => {
        const line = lineOf({ id: 1, printer: text });
        expect(line).toMatch(/^[ -~]*\n$/);
        expect(JSON.parse(line)).toEqual({ id: 1, printer: text });
      }),
    );
  });
});

describe('An answer', () => {
  test('is read with its id, its fault or its progress', () => {
    expect(readLine('{"ready":1,"version":"5.1.22621.4391"}\r')).toEqual({ ready: 1, version: '5.1.22621.4391' });
    expect(readLine('{"id":3,"ok":{"found":true}}')).toEqual({ id: 3, ok: { found: true } });
    expect(readLine('{"id":3,"page":2,"of":5}')).toEqual({ id: 3, page: 2, of: 5 });
    expect(
      readLine('{"id":3,"error":{"stage":"printing","category":"NotSpecified","fault":"x","native":1801}}'),
    ).toEqual({
      id: 3,
      error: { stage: 'printing', category: 'NotSpecified', fault: 'x', hresult: 0, native: 1801, pages: 0 },
    });
  });

  test.each([
    '',
    'Name : HP',
    '[1]',
    'null',
    '{"id":1}',
    '{"id":"1","ok":{}}',
    '{"id":-1,"ok":{}}',
    '{"id":1,"error":"x"}',
  ])('is not %s', (line) => {
    expect(readLine(line)).toBeUndefined();
  });

  test('has lists in both shapes that ConvertTo-Json gives them, and absent words as empty ones', () => {
    const [laser, pdf] = answers.printers.parse(recorded('printers')).printers;
    expect(pdf).toMatchObject({ Name: 'Microsoft Print to PDF', Comment: '', Location: '' });
    expect(answers.printers.parse({ printers: null })).toEqual({ printers: [] });
    expect(answers.printers.parse({ printers: { value: [laser], Count: 1 } }).printers).toEqual([laser]);
    expect(answers.jobs.parse(recorded('jobs')).printers[0]?.jobs.map(({ Id }) => Id)).toEqual([12, 13]);
    expect(answers.abilities.parse(recorded('abilities')).abilities?.papers).toHaveLength(7);
  });

  test('has no more than a PC can have', () => {
    const many = Array.from({ length: 10_001 }, () => ({ Name: 'x' }));
    expect(answers.printers.safeParse({ printers: many }).success).toBe(false);
    expect(answers.printers.safeParse({ printers: [{ Name: 'x'.repeat(1_025) }] }).success).toBe(false);
    expect(answers.printers.safeParse({ printers: [{ Name: 'x', PrinterStatus: 2 ** 32 }] }).success).toBe(false);
  });
});

describe('The script', () => {
  test('is ASCII without double quotes and back-ticks, short enough for a command line, and leaves our lines to itself', () => {
    expect(windowsScript).toMatch(/^[\n -~]*$/);
    expect(windowsScript).not.toMatch(/["`]/);
    expect(windowsScript).not.toMatch(/\$input\b/i);
    // CreateProcess takes 32,767 characters.
    expect(windowsScript.length).toBeLessThan(24_000);
  });

  test('closes what it opens', () => {
    const bare = windowsScript.replaceAll(/'(?:[^']|'')*'/g, "''");
    for (const [open, close] of ['{}', '()', '[]'])
      expect(bare.split(open ?? '').length, open).toBe(bare.split(close ?? '').length);
  });

  test('makes no command from text', () => {
    expect(windowsScript).not.toMatch(
      /Invoke-Expression|\biex\b|ScriptBlock\]::Create|ExpandString|-Command\b|Start-Process/i,
    );
    expect(windowsScript.match(/AddScript\(([^)]*)\)/g)).toEqual(['AddScript($printText)']);
  });

  test('answers every request that there is', () => {
    for (const name of Object.keys(answers)) expect(windowsScript).toContain(`'${name}' {`);
  });
});

test('PowerShell is the one of Windows itself, with its own modules', () => {
  const [program] = powershellCommand({ SystemRoot: 'D:\\WINNT' });
  expect(program).toBe(String.raw`D:\WINNT\System32\WindowsPowerShell\v1.0\powershell.exe`);
  expect(windowsEnvironment({ PSModulePath: 'C:\\pwsh\\7\\Modules', Path: 'x' })).toEqual({ Path: 'x' });
});

/** One long-lived PowerShell: how it is asked, and what becomes of the questions when it hangs, dies, babbles or is not there. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { WindowsProcess } from '../../agent/platform/windows-process.ts';
import { printSettings } from '../../agent/platform/windows-ticket.ts';
import type { PrintWish } from '../../agent/platform/windows-protocol.ts';
import { until } from '../office/until.ts';
import { openWindowsOffice, type WindowsOffice } from './windows-spooler-office.ts';

const never = new AbortController().signal;
const wish: PrintWish = {
  ...printSettings(new Map(), undefined),
  printer: 'HP LaserJet 400',
  file: 'x',
  kind: 'pdf',
  document: 'x',
  mark: 'x',
  done: 'x',
};
const unavailable = { code: 'unavailable' };

describe('The process by which Windows is asked', () => {
  let office: WindowsOffice;
  let process: WindowsProcess;

  beforeEach(async () => {
    office = await openWindowsOffice();
    process = office.process({ answerMs: 1_500, goodbyeMs: 500 });
  });
  afterEach(async () => {
    await process[Symbol.asyncDispose]();
    await office[Symbol.asyncDispose]();
  });

  test('is started once, at the first question, for many questions at once', async () => {
    expect(office.state.starts).toBe(0);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => process.ask('printers', {}, AbortSignal.timeout(60_000))),
    );
    expect(all.every(({ printers }) => printers.length === 6)).toBe(true);
    expect(office.state.starts).toBe(1);
  });

  test('overhears what drivers and modules write between the answers', async () => {
    office.set({ noise: 'WARNUNG: \u00fc\r\n{"id":1}\n{"id":1,"ok":\n[]\n' });
    expect((await process.ask('printers', {}, never)).printers).toHaveLength(6);
  });

  test('is started anew when it does not answer, and who waits is told', async () => {
    office.set({ silent: ['printers', 'jobs'] });
    const asked = ['printers', 'jobs'].map((name) => process.ask(name as 'printers', { printers: [] }, never));
    for (const each of asked) await expect(each).rejects.toMatchObject(unavailable);
    office.set({ silent: [] });
    await until(async () => (await process.ask('printers', {}, never).catch(() => undefined)) !== undefined, {
      what: 'it to answer again',
      withinMs: 20_000,
    });
    expect(office.state.starts).toBe(2);
  });

  test('is not started again at once: a program that cannot run would be started for ever', async () => {
    const absent = new WindowsProcess({
      command: ['/no/such/powershell.exe', 'x'],
      env: {},
      clock: systemClock,
      random: () => 0,
      log: silentLog,
    });
    await expect(absent.ask('printers', {}, never)).rejects.toMatchObject(unavailable);
    await expect(absent.ask('printers', {}, never)).rejects.toMatchObject({
      message: expect.stringContaining('asked again soon') as string,
    });
    await absent[Symbol.asyncDispose]();
  });

  test('gives a question up when its asker does', async () => {
    office.set({ silent: ['printers'] });
    await expect(process.ask('printers', {}, AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(process.ask('printers', {}, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });

  test('ends an answer that never ends', async () => {
    office.set({ noise: 'x'.repeat(17 * 2 ** 20) });
    await expect(process.ask('printers', {}, never)).rejects.toMatchObject(unavailable);
  });

  test('takes no answer of another shape', async () => {
    office.set({ printers: [{ Name: '', PrinterStatus: -1 }] });
    await expect(process.ask('printers', {}, never)).rejects.toMatchObject(unavailable);
  });

  test('is ended when a print draws no page any more, not when it takes long', async () => {
    await using patient = office.process({ answerMs: 60_000, pageMs: 700 });
    office.set({ silent: ['print'] });
    await patient.ask('printers', {}, never);
    const { answer } = patient.begin('print', wish);
    await expect(answer).rejects.toMatchObject(unavailable);
    await expect(patient.ask('printers', {}, never)).rejects.toMatchObject(unavailable);
  });

  test('outlives a question that hangs while a print goes on, and the agent that stops meanwhile', async () => {
    office.set({ silent: ['print', 'jobs'] });
    await process.ask('printers', {}, never);
    const { answer } = process.begin('print', wish);
    const printing = answer.catch((error: unknown) => error);
    await expect(process.ask('jobs', { printers: [] }, never)).rejects.toMatchObject(unavailable);
    expect((await process.ask('printers', {}, never)).printers).toHaveLength(6);
    expect(office.state.starts).toBe(1);
    await process[Symbol.asyncDispose]();
    expect(await printing).toMatchObject(unavailable);
  });

  test('answers nobody after its end', async () => {
    await process.ask('printers', {}, never);
    await process[Symbol.asyncDispose]();
    await expect(process.ask('printers', {}, never)).rejects.toMatchObject(unavailable);
  });
});

/** A job between two agents, held, released, cancelled and told of from either side. */
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobView } from '../../protocol/control.ts';
import type { PrintTicket } from '../../protocol/print-order.ts';
import { until } from '../office/until.ts';
import { berta, bytes, neighbourOffice, type Office } from './neighbour-office.ts';
import { startPrinting, type TestPrinting } from './print-support.ts';
import { fastClock } from './scripted-device.ts';

const never = new AbortController().signal;
let there: Office;
let here: TestPrinting;
beforeEach(async () => {
  there = await neighbourOffice();
  here = await startPrinting({ backends: {}, neighbours: there.neighbours, clock: fastClock() });
});
afterEach(async () => {
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

function print(name: string, wishes: Partial<PrintTicket> = {}): Promise<JobView> {
  const ticket = { copies: 1, ...wishes };
  const document = Readable.from([bytes]);
  return here.service.print({ on: 'berta on desk/laser', name, ticket, user: 'anna', document }, never);
}

type Side = 'sender' | 'owner';
const jobAt = (side: Side, name: string): JobView | undefined =>
  (side === 'sender' ? here : there).service.jobs().find((job) => job.name === name);

/** Until the job is so at both ends. */
function seen(name: string, state: JobView['state'], reason?: string): Promise<unknown> {
  const isSo = (side: Side): boolean => {
    const job = jobAt(side, name);
    return job?.state === state && (reason === undefined || job.stateReasons.includes(reason));
  };
  return until(() => isSo('sender') && isSo('owner'), {
    what: () => `${name} to be ${state}: ${JSON.stringify([jobAt('sender', name), jobAt('owner', name)])}`,
    withinMs: 10_000,
    everyMs: 2,
  });
}

const idAt = (side: Side, name: string): JobView['id'] => {
  const job = jobAt(side, name);
  if (job === undefined) throw new Error(`the ${side} does not know ${name}`);
  return job.id;
};

describe('a job for private release', () => {
  test("waits at the printer's owner, others pass it, and prints once when its sender releases it", async () => {
    await print('payslip', { hold: true });
    await seen('payslip', 'pending-held', 'job-hold-until-specified');
    await print('menu');
    await seen('menu', 'completed');
    expect(there.device.arrivals).toEqual(['menu']);
    expect(jobAt('owner', 'payslip')?.bytes).toBe(bytes.length);
    await here.service.release(idAt('sender', 'payslip'));
    await seen('payslip', 'completed');
    expect(there.device.arrivals).toEqual(['menu', 'payslip']);
  });

  test('may be released by the owner of the printer too, who has it before him, and the sender sees it', async () => {
    await print('payslip', { hold: true });
    await seen('payslip', 'pending-held');
    await there.service.release(idAt('owner', 'payslip'));
    await seen('payslip', 'completed');
  });

  test.each<Side>(['sender', 'owner'])('is cancelled by the %s before anything is printed', async (side) => {
    await print('payslip', { hold: true });
    await seen('payslip', 'pending-held');
    const { service } = side === 'sender' ? here : there;
    await service.cancel(idAt(side, 'payslip'));
    const reason = side === 'sender' ? 'job-canceled-by-user' : 'job-canceled-by-operator';
    await seen('payslip', 'canceled', reason);
    expect(there.device.arrivals).toEqual([]);
  });

  test('on its way to an owner who is away keeps its wish, and drops it when it is released before', async () => {
    await there.goAway();
    there.neighbours.set(berta({ state: 'gone', resources: { shares: [], printers: [] } }));
    await print('payslip', { hold: true });
    await print('letter', { hold: true });
    await here.service.release(idAt('sender', 'letter'));
    await there.comeBack();
    there.neighbours.set(berta());
    await seen('letter', 'completed');
    await seen('payslip', 'pending-held');
    expect(there.device.arrivals).toEqual(['letter']);
  });

  test('on a printer of this PC waits here', async () => {
    const document = Readable.from([bytes]);
    const ticket = { copies: 1, hold: true };
    const job = await there.service.print({ on: 'laser', name: 'own', ticket, user: 'berta', document }, never);
    expect(job).toMatchObject({ state: 'pending-held', stateReasons: ['job-hold-until-specified'] });
    await there.service.release(job.id);
    await until(() => there.device.arrivals.length === 1, { what: 'it to print', withinMs: 5000, everyMs: 2 });
  });
});

describe('a job that waits in the queue of the owner', () => {
  beforeEach(async () => {
    there.printerAway = true;
    await print('letter');
    await seen('letter', 'pending', 'nethood-unreachable');
  });

  test.each<Side>(['sender', 'owner'])('is held and released by the %s, and both see it', async (side) => {
    const { service } = side === 'sender' ? here : there;
    const other = side === 'sender' ? there : here;
    await service.hold(idAt(side, 'letter'));
    await seen('letter', 'pending-held', 'job-hold-until-specified');
    there.printerAway = false;
    await other.service.release(idAt(side === 'sender' ? 'owner' : 'sender', 'letter'));
    await seen('letter', 'completed');
    expect(there.device.arrivals).toEqual(['letter']);
  });

  test('says to both why it waits and when it is given up', async () => {
    const owner = jobAt('owner', 'letter');
    expect(owner?.message).toBe('Nobody is there.');
    expect(Date.parse(owner?.expires ?? '') - Date.now()).toBeGreaterThan(23 * 3_600_000);
    await until(() => jobAt('sender', 'letter')?.expires === owner?.expires, {
      what: () => JSON.stringify(jobAt('sender', 'letter')),
      withinMs: 5000,
    });
    expect(jobAt('sender', 'letter')?.message).toBe('Nobody is there.');
  });
});

describe('what the printer of a neighbour cannot', () => {
  test('is refused at once with what it can, and nothing is kept or sent', async () => {
    await here[Symbol.asyncDispose]();
    // The fast clock would not wait for the answer.
    here = await startPrinting({ backends: {}, neighbours: there.neighbours });
    await expect(print('flyer', { sides: 'two-sided-short-edge' })).rejects.toMatchObject({
      code: 'not-supported',
      message:
        'The printer berta on desk/laser does not print two-sided-short-edge; it prints on one side or on both sides (two-sided-long-edge).',
    });
    expect(here.service.jobs()).toEqual([]);
    await print('letter', { sides: 'two-sided-long-edge', media: 'A4', copies: 2 });
    await seen('letter', 'completed');
  });

  test('is refused by itself where it could not be asked before, and not printed otherwise', async () => {
    await there.goAway();
    there.neighbours.set(berta({ state: 'gone', resources: { shares: [], printers: [] } }));
    await print('flyer', { sides: 'two-sided-short-edge' });
    await there.comeBack();
    there.neighbours.set(berta());
    await until(() => jobAt('sender', 'flyer')?.state === 'aborted', {
      what: () => JSON.stringify(jobAt('sender', 'flyer')),
      withinMs: 5000,
    });
    expect(jobAt('sender', 'flyer')?.message).toContain('cannot do all that the job asks for');
    expect(there.device.arrivals).toEqual([]);
  });
});

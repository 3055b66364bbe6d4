import { describe, expect, test } from 'vitest';
import { jobAlert } from '../../agent/printing/job-alert.ts';
import type { JobView } from '../../protocol/control.ts';
import { job as sample } from '../control/samples.ts';

const view = (change: Partial<JobView>): JobView => ({
  ...sample,
  name: 'offer.pdf',
  printer: 'Anna/laser',
  own: true,
  state: 'processing',
  stateReasons: [],
  message: null,
  ...change,
});
const told = (before: Partial<JobView>, after: Partial<JobView>): string | undefined => {
  const alert = jobAlert(view(before), view(after));
  return alert && `${alert.kind}: ${alert.text}`;
};

describe('of my own job I am told', () => {
  test.each<[string, Partial<JobView>, Partial<JobView>, string]>([
    ['that it is printed', {}, { state: 'completed' }, 'done: "offer.pdf" is printed on Anna/laser.'],
    [
      'that it failed, and why',
      {},
      { state: 'aborted', message: 'laser was not reached for 24 hours' },
      'failed: "offer.pdf" was not printed on Anna/laser: laser was not reached for 24 hours.',
    ],
    [
      'that somebody else cancelled it',
      {},
      { state: 'canceled', stateReasons: ['job-canceled-by-operator'] },
      'failed: "offer.pdf" was cancelled by the owner of Anna/laser.',
    ],
    [
      'that nobody can know whether it was printed',
      {},
      { state: 'processing-stopped', stateReasons: ['nethood-may-have-printed'] },
      'doubt: "offer.pdf" may have been printed on Anna/laser already: release it to print it, or cancel it.',
    ],
    [
      'that the printer is out of paper',
      { stateReasons: ['job-printing'] },
      { stateReasons: ['job-printing', 'media-empty-error'] },
      'attention: Anna/laser needs a hand: it is out of paper.',
    ],
    [
      'that paper is jammed',
      { stateReasons: ['media-empty'] },
      { stateReasons: ['media-empty', 'media-jam'] },
      'attention: Anna/laser needs a hand: paper is jammed.',
    ],
  ])('%s', (_, before, after, text) => {
    expect(told(before, after)).toBe(text);
  });

  test.each<[string, Partial<JobView>, Partial<JobView>]>([
    ['the next page', { pages: 1 }, { pages: 2 }],
    ['what I did myself', {}, { state: 'canceled', stateReasons: ['job-canceled-by-user'] }],
    ['the same trouble once more', { stateReasons: ['media-empty'] }, { stateReasons: ['media-empty'], pages: 3 }],
    ['toner that will do for a while', {}, { stateReasons: ['toner-low-warning', 'media-low-report'] }],
    ['that its turn has come', { state: 'pending' }, { state: 'processing' }],
  ])('not %s', (_, before, after) => {
    expect(told(before, after)).toBeUndefined();
  });
});

const of = (after: Partial<JobView>): string | undefined =>
  jobAlert(view({ own: false }), view({ own: false, ...after }))?.kind;

describe("of others' jobs on my printer I am told", () => {
  test('only what calls for me', () => {
    expect(of({ state: 'completed' })).toBeUndefined();
    expect(of({ state: 'aborted' })).toBeUndefined();
    expect(of({ stateReasons: ['media-jam-error'] })).toBe('attention');
    expect(of({ stateReasons: ['nethood-may-have-printed'] })).toBe('doubt');
  });
});

import { describe, expect, it } from 'vitest';
import { Args } from '../../cli/arguments.ts';
import { readTicket } from '../../cli/print-options.ts';
import { hasCode } from '../../protocol/errors.ts';

const ticketOf = (options: Record<string, string | boolean>): unknown => readTicket(new Args(options, ['a.pdf']));

describe('the ticket of a document', () => {
  it('leaves to the printer what nobody asked for', () => {
    expect(ticketOf({})).toEqual({ copies: 1 });
  });

  it.each([
    [{ sides: 'two' }, { sides: 'two-sided-long-edge' }],
    [{ sides: 'two-short' }, { sides: 'two-sided-short-edge' }],
    [{ sides: 'one-sided' }, { sides: 'one-sided' }],
    [{ color: 'No' }, { color: 'monochrome' }],
    [{ color: 'yes' }, { color: 'color' }],
    [{ pages: '1-3, 5, 8-' }, { pages: '1-3,5,8-' }],
    [{ quality: 'draft' }, { quality: 'draft' }],
    [{ media: 'A4' }, { media: 'A4' }],
    [{ hold: true }, { hold: true }],
    [{ copies: '20' }, { copies: 20 }],
  ])('reads %j as %j', (options, ticket) => {
    expect(ticketOf(options)).toEqual({ copies: 1, ...ticket });
  });

  it.each([
    [{ sides: 'three' }, 'knows no --sides "three", but: one, two'],
    [{ color: '__proto__' }, 'knows no --color "__proto__"'],
    [{ pages: '3-1;rm' }, 'knows no --pages "3-1;rm", but: 1-3,5,8-'],
    [{ quality: 'best' }, 'knows no --quality "best", but: draft, normal, high'],
    [{ copies: '0' }, 'makes 1 to 999 copies, not "0"'],
    [{ copies: '1e9' }, 'makes 1 to 999 copies, not "1e9"'],
  ])('refuses %j in one sentence', (options, sentence) => {
    try {
      ticketOf(options);
      expect.unreachable();
    } catch (error) {
      expect(hasCode(error, 'usage')).toBe(true);
      expect(String(error)).toContain(sentence);
    }
  });
});

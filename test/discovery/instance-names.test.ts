import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutToBytes, instanceLabel, lastAttempt } from '../../agent/discovery/instance-names.ts';
import { DeviceId } from '../../protocol/ids.ts';

const self = DeviceId.parse('k3q7x2mf'.repeat(7).slice(0, 52));

describe('the label of an instance', () => {
  test('is numbered at each conflict and ends with the id', () => {
    expect([1, 2, 9, lastAttempt, 99].map((attempt) => instanceLabel('Ann', attempt, self))).toEqual([
      'Ann',
      'Ann (2)',
      'Ann (9)',
      'Ann (k3q7-x2mf)',
      'Ann (k3q7-x2mf)',
    ]);
  });

  test('keeps its dots', () => {
    expect(instanceLabel('Dr. A. Muster', 2, self)).toBe('Dr. A. Muster (2)');
  });

  test('never has more than 63 bytes, nor half a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 12 }),
        (name, attempt) => {
          const label = instanceLabel(name, attempt, self);
          expect(Buffer.byteLength(label)).toBeLessThanOrEqual(63);
          expect(Buffer.from(label).toString()).toBe(label);
        },
      ),
    );
  });

  test('is cut between characters', () => {
    expect(cutToBytes('ääää', 5)).toBe('ää');
    expect(cutToBytes('a😀', 4)).toBe('a');
    expect(cutToBytes('ab cd', 3)).toBe('ab');
  });
});

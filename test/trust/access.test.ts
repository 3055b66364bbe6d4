import { describe, expect, test } from 'vitest';
import type { Trust } from '../../protocol/control.ts';
import { DeviceId } from '../../protocol/ids.ts';
import type { Audience } from '../../protocol/resources.ts';
import { access, type Asker, type Verb } from '../../agent/trust/access.ts';

const ann = DeviceId.parse('a'.repeat(52));
const bob = DeviceId.parse('b'.repeat(52));
const open = { paused: false };
const verbs: readonly Verb[] = ['see', 'read', 'print', 'write'];
const trusts: readonly Trust[] = ['stranger', 'paired', 'office', 'blocked'];

function device(trust: Trust, onLink = true): Asker {
  return { kind: 'device', id: ann, trust, onLink };
}
const guest: Asker = { kind: 'guest', onLink: true };
const farGuest: Asker = { kind: 'guest', onLink: false };

/** May they read a share of this audience? */
const table: readonly [who: string, asker: Asker, everyone: boolean, colleagues: boolean, onList: boolean][] = [
  ['a guest on-link', guest, true, false, false],
  ['a guest from elsewhere', farGuest, false, false, false],
  ['a stranger on-link', device('stranger'), true, false, true],
  ['a stranger from elsewhere', device('stranger', false), false, false, true],
  ['a paired device on-link', device('paired'), true, true, true],
  ['a paired device from elsewhere', device('paired', false), false, true, true],
  ['an office device on-link', device('office'), true, true, true],
  ['an office device from elsewhere', device('office', false), false, true, true],
  ['a blocked device on-link', device('blocked'), false, false, false],
  ['a blocked device from elsewhere', device('blocked', false), false, false, false],
  ['the owner', { kind: 'owner' }, true, true, true],
];

describe('access', () => {
  describe.each(table)('for %s', (...[, asker, everyone, colleagues, onList]) => {
    const audiences: readonly [string, Audience, boolean][] = [
      ['everyone', 'everyone', everyone],
      ['colleagues', 'colleagues', colleagues],
      ['a list with it', [bob, ann], onList],
      ['a list without it', [bob], asker.kind === 'owner'],
    ];

    test.each(audiences)('to what is for %s', (_audience, audience, allowed) => {
      for (const verb of verbs) {
        expect(access(asker, { audience, rights: 'write' }, verb, open), verb).toBe(allowed);
        const readOnly = allowed && (verb !== 'write' || asker.kind === 'owner');
        expect(access(asker, { audience, rights: 'read' }, verb, open), `${verb}, read-only`).toBe(readOnly);
        expect(access(asker, { audience, rights: 'write' }, verb, { paused: true }), `${verb}, paused`).toBe(
          asker.kind === 'owner',
        );
      }
    });
  });

  test('knows no trust that this table leaves out', () => {
    const shown = new Set(table.flatMap(([, asker]) => (asker.kind === 'device' ? [asker.trust] : [])));
    expect(Array.from(shown).toSorted()).toEqual(trusts.toSorted());
  });
});

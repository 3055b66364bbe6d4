import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import {
  AnyFrame,
  ErrorFrame,
  Hello,
  JobEvent,
  ListResult,
  peerLimits,
  PeerRequest,
  RequestId,
} from '../../protocol/peer.ts';
import { Audience, Resources } from '../../protocol/resources.ts';

const device = 'a'.repeat(52);
const share = 'b'.repeat(26);
const hello = {
  type: 'hello',
  protocol: { min: 1, max: 3 },
  features: ['walk'],
  boot: 'c'.repeat(26),
  device: { id: device, name: 'Ann' },
  port: 6631,
  resources: { shares: [], printers: [] },
};
const entry = { path: 'a', kind: 'file', size: 1, modified: 0 };

function fits(schema: z.ZodType, value: unknown): boolean {
  return schema.safeParse(value).success;
}

describe('messages between agents', () => {
  test('drop what they do not know, at every level', () => {
    const extra = {
      ...hello,
      later: 1,
      device: { ...hello.device, later: 1 },
      resources: { ...hello.resources, later: [] },
    };
    expect(Hello.parse(extra)).toEqual(hello);
    expect(PeerRequest.parse({ type: 'stat', id: 1, share, path: '', later: true })).toEqual({
      type: 'stat',
      id: 1,
      share,
      path: '',
    });
  });

  test('do not let a prototype in', () => {
    const parsed = Hello.parse(
      JSON.parse(JSON.stringify(hello).replace('{', '{"__proto__":{"admin":true},"constructor":1,')),
    );
    expect('admin' in parsed).toBe(false);
    expect(Object.keys(parsed)).toEqual(Object.keys(hello));
  });

  test.each<[string, unknown]>([
    ['no features', { ...hello, features: undefined }],
    ['65 features', { ...hello, features: Array.from({ length: 65 }, () => 'x') }],
    ['a long feature', { ...hello, features: ['x'.repeat(65)] }],
    ['another boot', { ...hello, boot: 'C'.repeat(26) }],
    ['a name that turns text around', { ...hello, device: { id: device, name: '\u202egpj' } }],
    ['port 0', { ...hello, port: 0 }],
    [
      '501 shares',
      {
        ...hello,
        resources: {
          shares: Array.from({ length: 501 }, () => ({ id: share, name: 's', rights: 'read' })),
          printers: [],
        },
      },
    ],
    ['other rights', { ...hello, resources: { shares: [{ id: share, name: 's', rights: 'all' }], printers: [] } }],
    ['version 0', { ...hello, protocol: { min: 0, max: 1 } }],
  ])('refuse a hello with %s', (_what, value) => {
    expect(fits(Hello, value)).toBe(false);
  });

  test('have numbers from 1 to 2^31', () => {
    for (const id of [1, 2 ** 31]) expect(fits(RequestId, id)).toBe(true);
    for (const id of [0, -1, 1.5, 2 ** 31 + 1, '1', null, Number.NaN, Infinity])
      expect(fits(RequestId, id)).toBe(false);
  });

  test('have bounded pages', () => {
    const page = (length: number): unknown => ({ entries: Array.from({ length }, () => entry), skipped: 0 });
    expect(fits(ListResult, page(peerLimits.page))).toBe(true);
    expect(fits(ListResult, page(peerLimits.page + 1))).toBe(false);
    expect(fits(ListResult, { entries: [{ ...entry, size: -1 }], skipped: 0 })).toBe(false);
    expect(fits(ListResult, { entries: [{ ...entry, path: '..' }], skipped: 0 })).toBe(false);
    expect(fits(ListResult, { entries: [], skipped: 0, cursor: 'x'.repeat(1025) })).toBe(false);
  });

  test('name paths only inside a share', () => {
    for (const path of ['../x', '/etc/passwd', 'a//b', '%2e%2e', 'a\\b', 'x'.repeat(256)])
      expect(fits(PeerRequest, { type: 'list', id: 1, share, path }), path).toBe(false);
  });

  test('tell an error by a known code; an unknown one counts as internal', () => {
    expect(ErrorFrame.parse({ type: 'error', id: 1, code: 'from-the-future', message: 'x' }).code).toBe('internal');
    expect(fits(ErrorFrame, { type: 'error', id: 1, code: 'busy', message: 'x'.repeat(1001) })).toBe(false);
    expect(fits(ErrorFrame, { type: 'error', id: 1, code: 'busy', message: '', retryAfterMs: -1 })).toBe(false);
  });

  test('know job states and keywords of RFC 8011 alone', () => {
    const job = {
      type: 'job',
      uuid: 'urn:uuid:01234567-89ab-4cde-8f01-23456789abcd',
      state: 'completed',
      stateReasons: ['none'],
    };
    expect(fits(JobEvent, job)).toBe(true);
    expect(fits(JobEvent, { ...job, state: 'done' })).toBe(false);
    expect(fits(JobEvent, { ...job, stateReasons: ['Not A Keyword'] })).toBe(false);
    expect(fits(JobEvent, { ...job, stateReasons: Array.from({ length: 33 }, () => 'none') })).toBe(false);
  });

  test('of an unknown type still show whom to answer', () => {
    expect(AnyFrame.parse({ type: 'teleport', id: 7, to: 'x' })).toEqual({ type: 'teleport', id: 7, to: 'x' });
    expect(fits(AnyFrame, { type: 'x'.repeat(65) })).toBe(false);
    expect(fits(AnyFrame, [])).toBe(false);
  });

  test('of any content are understood or refused, never more', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const schema of [Hello, PeerRequest, ListResult, Resources, Audience])
          expect(typeof fits(schema, value)).toBe('boolean');
      }),
    );
  });
});

describe('an audience', () => {
  test('is one of two words or a list of full device ids', () => {
    for (const good of ['everyone', 'colleagues', [device]]) expect(fits(Audience, good)).toBe(true);
    for (const bad of ['nobody', [], [device.slice(1)], [shortened()], Array.from({ length: 201 }, () => device), {}])
      expect(fits(Audience, bad)).toBe(false);
  });
});

function shortened(): string {
  return `${device.slice(0, 4)}-${device.slice(4, 8)}`;
}

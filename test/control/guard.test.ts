import { describe, expect, it } from 'vitest';
import { doorRefusalOf, refusalOf } from '../../agent/control/guard.ts';
import { newToken, sameToken } from '../../agent/control/token.ts';

const rules = { port: 6630, token: newToken() };
const bearer = `Bearer ${rules.token}`;

interface Case {
  readonly what: string;
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Record<string, string | string[] | undefined>;
  readonly status: number | undefined;
}

const good = { host: '127.0.0.1:6630', authorization: bearer };

const cases: Case[] = [
  { what: 'the command line: our host, the token, no origin', status: undefined },
  { what: 'localhost', headers: { host: 'localhost:6630' }, status: undefined },
  { what: 'the IPv6 loopback', headers: { host: '[::1]:6630' }, status: undefined },
  { what: 'a host in capitals', headers: { host: 'LOCALHOST:6630' }, status: undefined },
  {
    what: 'our own page',
    headers: { origin: 'http://127.0.0.1:6630', 'sec-fetch-site': 'same-origin' },
    status: undefined,
  },
  { what: 'our own page under another of our names', headers: { origin: 'http://localhost:6630' }, status: undefined },
  { what: 'a rebound name', headers: { host: 'evil.test:6630' }, status: 421 },
  { what: 'a rebound name without the port', headers: { host: '127.0.0.1' }, status: 421 },
  { what: 'another port', headers: { host: '127.0.0.1:6631' }, status: 421 },
  { what: 'a host with a name in front', headers: { host: 'evil.test@127.0.0.1:6630' }, status: 421 },
  { what: 'a host that only ends like ours', headers: { host: 'x127.0.0.1:6630' }, status: 421 },
  { what: 'no host', headers: { host: undefined }, status: 421 },
  { what: 'the page by a rebound name', method: 'GET', target: '/', headers: { host: 'evil.test' }, status: 421 },
  { what: 'a target with an authority of its own', target: 'http://evil.test/v1/snapshot', status: 421 },
  { what: 'two hosts', headers: { host: ['127.0.0.1:6630', 'evil.test'] }, status: 400 },
  { what: 'two origins', headers: { origin: ['http://127.0.0.1:6630', 'http://evil.test'] }, status: 400 },
  { what: 'a foreign origin, even with the token', headers: { origin: 'http://evil.test' }, status: 403 },
  { what: 'the origin null', headers: { origin: 'null' }, status: 403 },
  { what: 'an empty origin', headers: { origin: '' }, status: 403 },
  { what: 'our origin by TLS, which we do not speak', headers: { origin: 'https://127.0.0.1:6630' }, status: 403 },
  {
    what: 'the page of another port of this PC',
    headers: { origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-site' },
    status: 403,
  },
  { what: 'a request that the browser calls cross-site', headers: { 'sec-fetch-site': 'cross-site' }, status: 403 },
  { what: 'a request that the browser calls same-site', headers: { 'sec-fetch-site': 'same-site' }, status: 403 },
  {
    what: 'an image of a foreign page',
    method: 'GET',
    target: '/',
    headers: { 'sec-fetch-site': 'cross-site', authorization: undefined },
    status: 403,
  },
  {
    what: 'an address typed into a browser',
    method: 'GET',
    target: '/',
    headers: { 'sec-fetch-site': 'none', authorization: undefined },
    status: undefined,
  },
  { what: 'no token', headers: { authorization: undefined }, status: 401 },
  {
    what: 'our own page without the token',
    headers: { origin: 'http://127.0.0.1:6630', authorization: undefined },
    status: 401,
  },
  { what: 'a wrong token', headers: { authorization: `Bearer ${newToken()}` }, status: 401 },
  { what: 'the beginning of the token', headers: { authorization: bearer.slice(0, -1) }, status: 401 },
  { what: 'the token with something after it', headers: { authorization: `${bearer} x` }, status: 401 },
  { what: 'the token as a password', headers: { authorization: `Basic ${rules.token}` }, status: 401 },
  { what: 'two tokens', headers: { authorization: [bearer, bearer] }, status: 400 },
  {
    what: 'a reading call without the token',
    method: 'GET',
    target: '/v1/snapshot',
    headers: { authorization: undefined },
    status: 401,
  },
  {
    what: 'the API itself without the token',
    method: 'GET',
    target: '/v1',
    headers: { authorization: undefined },
    status: 401,
  },
  { what: 'a post to the page without the token', target: '/', headers: { authorization: undefined }, status: 401 },
];

describe('the guard', () => {
  it.each(cases)('meets $what with $status', ({ method = 'POST', target = '/v1/pause', headers = {}, status }) => {
    const distinct = Object.fromEntries(
      Object.entries({ ...good, ...headers }).map(([name, value]) => [
        name,
        typeof value === 'string' ? [value] : value,
      ]),
    );
    expect(refusalOf({ method, target, headers: distinct }, rules)?.status).toBe(status);
  });

  it('says neither what the token is nor what was sent', () => {
    const headers = { host: ['127.0.0.1:6630'], authorization: ['Bearer secret-of-another'] };
    const refusal = refusalOf({ method: 'POST', target: '/v1/pause', headers }, rules);
    expect(refusal?.code).toBe('unauthorized');
    expect(refusal?.message).not.toContain('secret');
    expect(refusal?.message).not.toContain(rules.token);
  });
});

describe('a token', () => {
  it('has 256 bits and is another each time', () => {
    expect(newToken()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(newToken()).not.toBe(newToken());
  });

  it('is the same only as itself, whatever the lengths', () => {
    expect(sameToken('abc', 'abc')).toBe(true);
    expect([sameToken('abd', 'abc'), sameToken('', 'abc'), sameToken('abcd', 'abc')]).toEqual([false, false, false]);
  });
});

describe('the guard of the gateway', () => {
  it.each<[string, Record<string, string[]>, number | undefined]>([
    ['a print system: our host, no token', {}, undefined],
    ['one that names the PC itself', { host: ['localhost:6630'] }, undefined],
    ['one by IPv6', { host: ['[::1]:6630'] }, undefined],
    ['a password of its own, which the door looks at', { authorization: ['Basic bmV0aG9vZDp4'] }, undefined],
    ['two passwords', { authorization: ['Basic a', 'Basic b'] }, 400],
    ['a rebound name', { host: ['evil.test:6630'] }, 421],
    ['another port', { host: ['127.0.0.1:6631'] }, 421],
    ['any page, our own too', { origin: ['http://127.0.0.1:6630'] }, 403],
    ['a page without origin', { origin: ['null'] }, 403],
    ['an image of a foreign page', { 'sec-fetch-site': ['cross-site'] }, 403],
  ])('meets %s as it should', (_what, headers, status) => {
    const request = { method: 'POST', target: '/ipp/print/x/y', headers: { host: ['127.0.0.1:6630'], ...headers } };
    expect(doorRefusalOf(request, { port: 6630 })?.status).toBe(status);
  });
});

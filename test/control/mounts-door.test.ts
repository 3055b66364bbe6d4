import { describe, expect, it } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import type { ControlServerDeps } from '../../agent/control/server.ts';
import { ask } from '../files/files-support.ts';
import { startFakeAgent } from './fake-agent.ts';

const secret = 'k3q7x2mf'.repeat(4).slice(0, 26);

/** A drive that answers with what it was asked. */
const mounts: ControlServerDeps['mounts'] = {
  handle: async (target, { request, response }) => void response.end(`${request.method} ${target}`),
};

describe('the drives on the loopback port', () => {
  it.each(['GET', 'PUT', 'PROPFIND', 'MKCOL', 'LOCK', 'OPTIONS'])('are asked by %s without a token', async (method) => {
    await using agent = await startFakeAgent({ mounts });
    const { status, body } = await ask(`http://127.0.0.1:${agent.port}/dav/${secret}/x?y`, { method });
    expect([status, body.toString()]).toEqual([200, `${method} /dav/${secret}/x?y`]);
  });

  it.each([
    ['a page of this PC', { origin: 'http://127.0.0.1:8080' }, 403],
    ['our own page', { origin: 'http://127.0.0.1' }, 403],
    ['a page by a link or picture', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a name that was led here', { host: 'evil.example' }, 421],
  ])('are not there for %s', async (_who, headers, status) => {
    await using agent = await startFakeAgent({ mounts });
    expect((await ask(`http://127.0.0.1:${agent.port}/dav/${secret}/`, { headers })).status).toBe(status);
  });

  it.each(['/', '/dav', '/dav/'])('are looked for at %s by systems, which learn nothing there', async (path) => {
    await using agent = await startFakeAgent({ mounts });
    for (const method of ['OPTIONS', 'PROPFIND'])
      expect((await ask(`http://127.0.0.1:${agent.port}${path}`, { method })).body.toString()).toBe(
        `${method} ${path}`,
      );
    for (const method of ['PUT', 'DELETE', 'LOCK'])
      expect((await ask(`http://127.0.0.1:${agent.port}${path === '/dav' ? '/dav' : '/'}`, { method })).status).toBe(
        401,
      );
  });

  it('that fail are logged without their secret', async () => {
    const said: unknown[] = [];
    const log = { ...silentLog, error: (...args: unknown[]) => void said.push(args) };
    const failing = { handle: () => Promise.reject(new Error('a fault of ours')) };
    await using agent = await startFakeAgent({ mounts: failing, log });
    expect((await ask(`http://127.0.0.1:${agent.port}/dav/${secret}/x`)).status).toBe(500);
    expect(said).toHaveLength(1);
    expect(JSON.stringify(said)).not.toContain(secret);
  });
});

import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { GatheredBody } from '../../agent/files/gathered-body.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { codeOf, never } from './files-support.ts';

async function allOf(body: GatheredBody): Promise<Buffer[]> {
  const pieces = [];
  for (let piece = await body.next(); piece !== undefined; piece = await body.next()) pieces.push(piece);
  return pieces;
}

/** Endless, and counts what is taken of it. */
function endless(): Readable & { taken: number } {
  const stream = new Readable({
    highWaterMark: 1,
    read() {
      body.taken += 65_536;
      setImmediate(() => this.push(Buffer.alloc(65_536)));
    },
  });
  const body = Object.assign(stream, { taken: 0 });
  return body;
}

describe('a gathered body', () => {
  it('is the same bytes, in fewer pieces', async () => {
    const chunks = Array.from({ length: 300 }, (_, n) => randomBytes(n * 10));
    using body = new GatheredBody(Readable.from(chunks, { objectMode: false }), never);
    const pieces = await allOf(body);
    expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).toBe(true);
    expect(pieces.length).toBeLessThan(chunks.length);
  });

  it('takes no more than a bounded number of bytes while nobody asks, nor when nobody will', async () => {
    const source = endless();
    const body = new GatheredBody(source, never);
    await expect.poll(() => source.isPaused()).toBe(true);
    expect(source.taken).toBeLessThan(3 << 20);
    expect((await body.next())?.length).toBeGreaterThanOrEqual(1 << 20);
    await expect.poll(() => source.isPaused()).toBe(true);
    body[Symbol.dispose]();
    const { taken } = source;
    await new Promise((resolve) => setImmediate(resolve));
    expect([source.taken - taken <= 65_536, source.isPaused(), source.destroyed]).toEqual([true, true, false]);
  });

  it('may be empty', async () => {
    using body = new GatheredBody(Readable.from([]), never);
    expect(await allOf(body)).toEqual([]);
  });

  it('fails as the stream does, while one waits and before', async () => {
    for (const early of [true, false]) {
      const source = new PassThrough();
      using body = new GatheredBody(source, never);
      const next = early ? undefined : body.next();
      source.destroy(new NethoodError('interrupted', 'They left.'));
      expect(await codeOf(next ?? body.next())).toBe('interrupted');
    }
  });

  it('ends with the signal, and leaves the stream alone', async () => {
    const source = new PassThrough();
    const stop = new AbortController();
    using body = new GatheredBody(source, stop.signal);
    const next = body.next();
    stop.abort(new NethoodError('cancelled', 'Enough.'));
    expect(await codeOf(next)).toBe('cancelled');
    expect(source.destroyed).toBe(false);
    using late = new GatheredBody(source, stop.signal);
    expect(await codeOf(late.next())).toBe('cancelled');
  });
});

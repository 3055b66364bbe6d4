import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { gatheredChunks } from '../../agent/printing/gathered-chunks.ts';
import { until } from '../office/until.ts';

const never = new AbortController().signal;

async function all(stream: Readable, signal = never): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const batch of gatheredChunks(stream, signal)) chunks.push(...batch);
  return Buffer.concat(chunks).toString();
}

test('gives all of a stream in its order, however it comes', async () => {
  const words = Array.from({ length: 1000 }, (_, at) => `${at} `);
  expect(
    await all(
      Readable.from(
        words.map((word) => Buffer.from(word)),
        { objectMode: false },
      ),
    ),
  ).toBe(words.join(''));
  expect(await all(Readable.from([]))).toBe('');
});

test('reads on while the last piece is written, up to a mebibyte', async () => {
  const stream = new PassThrough();
  const batches = gatheredChunks(stream, never);
  stream.write('first');
  expect((await batches.next()).value).toHaveLength(1);
  let left = 512;
  const send = (): void => {
    while (left-- > 0) if (!stream.write(Buffer.alloc(16_384))) return void stream.once('drain', send);
    stream.end();
  };
  send();
  await until(() => stream.isPaused(), { what: 'the stream to be held', withinMs: 5000, everyMs: 1 });
  const bytes = Buffer.concat([...((await batches.next()).value ?? [])]).length;
  expect(bytes).toBeGreaterThanOrEqual(1 << 20);
  expect(bytes).toBeLessThan(2 << 20);
  let rest = 0;
  for await (const each of batches) rest += Buffer.concat([...each]).length;
  expect(bytes + rest).toBe(8 << 20);
});

test('a reader who wants no more leaves the stream paused and alive: its sender waits for an answer', async () => {
  const stream = new PassThrough();
  stream.write('refused');
  for await (const batch of gatheredChunks(stream, never)) if (batch.length > 0) break;
  expect([stream.destroyed, stream.isPaused()]).toEqual([false, true]);
  stream.end('rest');
  expect((await stream.resume().toArray()).toString()).toBe('rest');
});

test('a stream that breaks, before or in the middle, and a signal that aborts, are an interrupted document', async () => {
  const broken = new PassThrough();
  broken.write('half');
  const reading = all(broken);
  setImmediate(() => broken.destroy(new Error('ECONNRESET')));
  await expect(reading).rejects.toMatchObject({ code: 'interrupted' });
  await expect(all(broken)).rejects.toMatchObject({ code: 'interrupted' });
  const stop = new AbortController();
  const endless = new PassThrough();
  endless.write('on and on');
  const stopped = all(endless, stop.signal);
  setImmediate(() => stop.abort());
  await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
  expect(endless.destroyed).toBe(true);
  await expect(all(new PassThrough(), AbortSignal.abort())).rejects.toMatchObject({ code: 'interrupted' });
});

import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { integer, requestOf } from '../../agent/printing/ipp-attributes.ts';
import { readIppMessage, type IppMessageHeader } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { attribute, hex, message } from './ipp-bytes.ts';

const request = requestOf('Send-Document', { 'job-id': integer(7) });
const document = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));

describe('Reading a message off a stream', () => {
  test.each([1, 7, 64, 50_000, 200_000])('leaves the document whole in pieces of %s bytes', async (size) => {
    const bytes = Buffer.concat([encodeIpp(request), document]);
    const pieces = function* (): Iterable<Buffer> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    };
    const { message: read, body } = await readIppMessage(Readable.from(pieces(), { objectMode: false }), 'request');
    expect(read).toEqual(request);
    expect((await buffer(body)).equals(document)).toBe(true);
  });

  test('gives an empty document where none follows', async () => {
    const { body } = await readIppMessage(Readable.from([encodeIpp(request)], { objectMode: false }), 'request');
    expect(await buffer(body)).toHaveLength(0);
  });

  test('reads no further than the attributes: the sender waits until somebody takes the document', async () => {
    let asked = 0;
    const source = new Readable({
      highWaterMark: 1_000,
      read() {
        this.push(asked++ === 0 ? encodeIpp(request) : Buffer.alloc(1_000));
      },
    });
    await readIppMessage(source, 'request');
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBeLessThan(5);
    source.destroy();
  });

  test('says which request it was that broke, so that it can be answered', async () => {
    let header: IppMessageHeader | undefined;
    const broken = message(attribute(0x21, 'a', 'xx'));
    const reading = readIppMessage(Readable.from([broken], { objectMode: false }), 'request', {
      onHeader: (read) => (header = read),
    });
    await expect(reading).rejects.toMatchObject({ code: 'bad-message' });
    expect(header).toEqual({ version: { major: 1, minor: 1 }, code: 0x0b, requestId: 1 });
  });

  test('refuses a stream that ends within the attributes', async () => {
    const cut = Readable.from([hex('0101 000b 0000')], { objectMode: false });
    await expect(readIppMessage(cut, 'request')).rejects.toMatchObject({ code: 'bad-message' });
    const nothing = Readable.from([], { objectMode: false });
    await expect(readIppMessage(nothing, 'request')).rejects.toMatchObject({ code: 'bad-message' });
  });

  test('is interrupted when the stream fails or is closed', async () => {
    const failing = new PassThrough();
    const reading = readIppMessage(failing, 'request');
    failing.destroy(new Error('reset'));
    await expect(reading).rejects.toMatchObject({ code: 'interrupted' });
    const closed = new PassThrough();
    const waiting = readIppMessage(closed, 'request');
    closed.destroy();
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    await expect(readIppMessage(closed, 'request')).rejects.toMatchObject({ code: 'interrupted' });
  });
});

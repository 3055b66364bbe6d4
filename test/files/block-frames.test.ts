import { crc32 } from 'node:zlib';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blockBytes, dataRuns, digestOf, isZero, zeroDigest } from '../../agent/files/block-digest.ts';
import { type BlockHead, framedLength, headBytes, readHead, writeHead } from '../../agent/files/block-frames.ts';
import { BlockReader } from '../../agent/files/block-reader.ts';
import { localPath } from '../../agent/files/local-path.ts';
import { PartFile } from '../../agent/files/part-file.ts';
import { codeOf } from './files-support.ts';

const load = { disk: 1, wire: 2, processor: 3, setting: 4 };

function framed(head: Partial<BlockHead>, content: Buffer = Buffer.alloc(0)): Buffer {
  const buffer = Buffer.concat([Buffer.alloc(headBytes), content]);
  const whole = {
    kind: 'data',
    position: 0,
    length: content.length,
    digest: digestOf(content),
    load,
    ...head,
  } as const;
  writeHead(buffer, whole);
  return buffer;
}

const take = (into: BlockReader, bytes: Buffer): Promise<string> =>
  codeOf(Promise.resolve().then(() => into.add(bytes)));

describe('the head of a block', () => {
  it('says the same at both ends, for files of any size', () => {
    fc.assert(
      fc.property(
        fc.record({
          kind: fc.constantFrom('data' as const, 'hole' as const),
          position: fc.nat({ max: 2 ** 46 }),
          length: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
          digest: fc.nat({ max: 2 ** 32 - 1 }),
          load: fc.constant(load),
        }),
        (head) => {
          const buffer = Buffer.alloc(headBytes);
          writeHead(buffer, head);
          expect(readHead(buffer)).toEqual(head);
        },
      ),
    );
  });

  it('is counted in the length of a body', () => {
    expect(framedLength({ start: 0, end: 0 })).toBe(0);
    expect(framedLength({ start: 0, end: 1 })).toBe(1 + headBytes);
    expect(framedLength({ start: blockBytes, end: 3 * blockBytes + 1 })).toBe(2 * blockBytes + 1 + 3 * headBytes);
  });
});

describe('zeros', () => {
  it('are known, and what is none of them', () => {
    const block = Buffer.alloc(blockBytes);
    expect([isZero(block), zeroDigest(blockBytes), zeroDigest(5)]).toEqual([
      true,
      crc32(block),
      crc32(Buffer.alloc(5)),
    ]);
    block[blockBytes - 1] = 1;
    expect(isZero(block)).toBe(false);
  });

  it('are left out by the page', () => {
    const block = Buffer.alloc(6 * 4096 + 10);
    for (const at of [4096, 8191, 3 * 4096 + 7, 6 * 4096 + 9]) block[at] = 1;
    expect([...dataRuns(block)]).toEqual([
      { start: 4096, end: 8192 },
      { start: 3 * 4096, end: 4 * 4096 },
      { start: 6 * 4096, end: 6 * 4096 + 10 },
    ]);
    expect([...dataRuns(Buffer.alloc(4096))]).toEqual([]);
  });
});

describe('a body of blocks', () => {
  let folder: string;
  let part: PartFile;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nh-blocks-'));
    part = await PartFile.create(localPath(join(folder, 'part')));
  });
  afterEach(async () => {
    await part[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const reader = (size: number, sparse = false): BlockReader =>
    new BlockReader({ part, size, sparse, name: 'Anna', heard: () => undefined });

  it('is the file again, wherever it was cut in pieces', async () => {
    const content = Buffer.alloc(2 * blockBytes + 5, 'some text ');
    const blocks = [0, 1, 2].map((block) => {
      const position = block * blockBytes;
      return framed({ position }, content.subarray(position, position + blockBytes));
    });
    const body = Buffer.concat(blocks);
    expect(body).toHaveLength(framedLength({ start: 0, end: content.length }));
    const sink = reader(content.length);
    for (let at = 0, size = 1; at < body.length; at += size, size = (size * 7 + 3) % 40_000) {
      sink.add(Buffer.from(body.subarray(at, at + size)));
      if (sink.full) await sink.room();
    }
    await part.finish(0);
    expect((await readFile(join(folder, 'part'))).equals(content)).toBe(true);
  });

  it('is refused at the first block that is not what it was', async () => {
    const body = framed({}, Buffer.from('content'));
    body[body.length - 1] = 0;
    expect(await take(reader(7), body)).toBe('damaged');
    expect(await part.settleBlocks()).toBe(0);
  });

  it.each<[string, Partial<BlockHead>, Buffer]>([
    ['is elsewhere in the file', { position: blockBytes }, Buffer.from('content')],
    ['reaches over the end of the file', { length: 101 }, Buffer.alloc(101)],
    ['is shorter than a block, and not the last', {}, Buffer.alloc(50)],
    ['is empty', { length: 0 }, Buffer.alloc(0)],
    ['is a hole where none may be', { kind: 'hole', length: 100 }, Buffer.alloc(0)],
  ])('is refused where a block %s', async (_what, head, content) => {
    expect(await take(reader(100), framed(head, content))).toBe('bad-message');
    expect(part.length).toBe(0);
  });

  it.each([
    ['hole', 2 * blockBytes - 1],
    ['data', 2 * blockBytes],
  ] as const)('is refused where %s of %i bytes are no whole blocks', async (kind, length) => {
    expect(await take(reader(5 * blockBytes, true), framed({ kind, length }))).toBe('bad-message');
  });

  it('is refused where it is noise', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: headBytes, maxLength: 200 }), async (noise) => {
        expect(['bad-message', 'damaged', 'no error']).toContain(await take(reader(10), Buffer.from(noise)));
        expect(await part.settleBlocks()).toBeLessThanOrEqual(10);
      }),
    );
  });
});

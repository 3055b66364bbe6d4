import { expect, test } from 'vitest';
import { decodeIpp } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import type { IppRequest } from '../../agent/printing/ipp-values.ts';

test('A request with nested collections comes back as it was', () => {
  const request: IppRequest = {
    version: { major: 2, minor: 0 },
    operation: 2,
    requestId: 7,
    groups: [
      { group: 'operation', attributes: new Map([['attributes-charset', [{ tag: 'charset', value: 'utf-8' }]]]) },
      {
        group: 'job',
        attributes: new Map([
          [
            'media-col',
            [
              {
                tag: 'collection',
                members: new Map([
                  [
                    'x',
                    [
                      { tag: 'integer', value: -1 },
                      { tag: 'collection', members: new Map() },
                    ],
                  ],
                ]),
              },
            ],
          ],
          [
            'sides',
            [
              { tag: 'keyword', value: 'one-sided' },
              { tag: 'raw', code: 0x7f, value: new Uint8Array([0, 0, 1, 2]) },
            ],
          ],
        ]),
      },
    ],
  };
  const { message, rest } = decodeIpp(Buffer.concat([encodeIpp(request), Buffer.from('%PDF')]), 'request');
  expect(message).toEqual(request);
  expect(rest.toString()).toBe('%PDF');
});

/** Bytes of IPP messages, right and wrong, as tests write them down. */

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** A value with its tag, name and lengths. */
export function attribute(tag: number, name: string, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([tag]), u16(Buffer.byteLength(name)), Buffer.from(name), u16(bytes.length), bytes]);
}

/** Version 1.1, code 0x000b, request-id 1, one group of printer attributes, end. */
export function message(...attributes: readonly Buffer[]): Buffer {
  return Buffer.concat([hex('0101 000b 00000001 04'), ...attributes, hex('03')]);
}

/** The attribute `a`: so many collections in each other. */
export function collectionBytes(depth: number): Buffer {
  const begin = Array.from({ length: depth - 1 }, () =>
    Buffer.concat([attribute(0x4a, '', 'm'), attribute(0x34, '', '')]),
  );
  const end = Array.from({ length: depth }, () => attribute(0x37, '', ''));
  return Buffer.concat([attribute(0x34, 'a', ''), ...begin, ...end]);
}

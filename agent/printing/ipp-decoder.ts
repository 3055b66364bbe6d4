/**
 * IPP messages off the wire (RFC 8010 section 3), in pieces of any size: header, groups of attributes, end. What follows
 * is a document and none of the decoder's business. Every byte is looked at once; a piece of one byte costs no more than
 * its share. Lengths are unsigned (section 3.9): the registry's parsers read them signed and run backwards for ever.
 */
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { IppGroupBuilder, type BuilderLimits } from './ipp-group-builder.ts';
import { badMessage, endOfAttributesTag, firstValueTag } from './ipp-tags.ts';
import type { IppRequest, IppResponse } from './ipp-values.ts';

export interface IppLimits extends BuilderLimits {
  /** From the first byte to the end of the attributes. */
  readonly attributeBytes: number;
  readonly nameBytes: number;
}

/** For whatever comes from others. */
export const networkLimits: IppLimits = { attributeBytes: 2 ** 20, attributes: 10_000, nesting: 16, nameBytes: 255 };

/** For the own print system: its media-col-database and its history of jobs may be long. */
export const localLimits: IppLimits = { ...networkLimits, attributeBytes: 2 ** 24, attributes: 200_000 };

export interface IppMessages {
  readonly request: IppRequest;
  readonly response: IppResponse;
}
/** Which of the two a message is, is known by who reads it, never guessed. */
export type IppRole = keyof IppMessages;

/** The first eight bytes. */
export interface IppMessageHeader {
  readonly version: { readonly major: number; readonly minor: number };
  /** Operation or status. */
  readonly code: number;
  readonly requestId: number;
}

/** What the next bytes are. */
type Step = 'header' | 'tag' | 'name-length' | 'name' | 'value' | 'done';

const headerBytes = 8;

export class IppDecoder<Role extends IppRole> {
  readonly #role: Role;
  readonly #limits: IppLimits;
  readonly #builder: IppGroupBuilder;
  #header: IppMessageHeader | undefined;
  #step: Step = 'header';
  /** Bytes that the step wants; those that came so far are at the begin of `#held`. */
  #need = headerBytes;
  #held: Buffer | undefined;
  #heldBytes = 0;
  #total = headerBytes;
  #tag = 0;
  #name: Buffer = Buffer.alloc(0);

  constructor(role: Role, limits: IppLimits = networkLimits) {
    this.#role = role;
    this.#limits = limits;
    // A request with the same attribute twice may mean one thing to us and another to the next; it is refused.
    this.#builder = new IppGroupBuilder(limits, role === 'request' ? 'refused' : 'dropped');
  }

  /** Undefined until it is there. An answer to a broken request still wants its request-id. */
  get header(): IppMessageHeader | undefined {
    return this.#header;
  }

  /**
   * Undefined while the attributes go on; else what of this piece came after them (maybe nothing).
   * @throws NethoodError `bad-message`, `too-large`; the decoder is of no use after that
   */
  write(piece: Buffer): Buffer | undefined {
    let at = 0;
    while (this.#step !== 'done') {
      const wanted = this.#need - this.#heldBytes;
      const part = piece.subarray(at, at + wanted);
      at += part.length;
      if (part.length < wanted) {
        this.#hold(part);
        return undefined;
      }
      this.#advance(this.#joined(part));
    }
    return piece.subarray(at);
  }

  /** @throws NethoodError `bad-message` when the attributes have not ended */
  message(): IppMessages[Role] {
    const { groups } = this.#builder;
    if (this.#step !== 'done' || this.#header === undefined) throw badMessage('it ends before its attributes do');
    const { version, code, requestId } = this.#header;
    const common = { version, requestId, groups };
    const message: IppRequest | IppResponse =
      this.#role === 'request' ? { ...common, operation: code } : { ...common, status: code };
    return message as IppMessages[Role];
  }

  /** Copied: a piece of one byte may hang on a large buffer of its socket. */
  #hold(part: Buffer): void {
    this.#held ??= Buffer.allocUnsafe(this.#need);
    this.#heldBytes += part.copy(this.#held, this.#heldBytes);
  }

  #joined(last: Buffer): Buffer {
    if (this.#held === undefined) return last;
    this.#hold(last);
    const whole = this.#held;
    this.#held = undefined;
    this.#heldBytes = 0;
    return whole;
  }

  #advance(bytes: Buffer): void {
    switch (this.#step) {
      case 'header':
        this.#header = readHeader(bytes);
        return this.#expect('tag', 1);
      case 'tag':
        return this.#beginTag(bytes.readUInt8(0));
      case 'name-length':
        return this.#beginName(bytes.readUInt16BE(0));
      case 'name':
        this.#name = bytes.subarray(0, -2);
        return this.#expect('value', bytes.readUInt16BE(bytes.length - 2));
      case 'value':
        this.#builder.attribute(this.#tag, this.#name, bytes);
        return this.#expect('tag', 1);
      case 'done':
    }
  }

  #beginTag(tag: number): void {
    this.#tag = tag;
    if (tag >= firstValueTag) return this.#expect('name-length', 2);
    if (tag !== endOfAttributesTag) {
      this.#builder.beginGroup(tag);
      return this.#expect('tag', 1);
    }
    this.#builder.end();
    this.#step = 'done';
  }

  #beginName(length: number): void {
    if (length > this.#limits.nameBytes) throw badMessage(`the name of an attribute has ${length} bytes`);
    // The length of the value comes right after the name.
    this.#expect('name', length + 2);
  }

  /** The limit is checked before a byte is kept. */
  #expect(step: Step, bytes: number): void {
    this.#step = step;
    this.#need = bytes;
    this.#total += bytes;
    if (this.#total > this.#limits.attributeBytes)
      throw new NethoodError('too-large', `The IPP message has more than ${this.#limits.attributeBytes} bytes.`);
  }
}

function readHeader(bytes: Buffer): IppMessageHeader {
  const version = { major: bytes.readUInt8(0), minor: bytes.readUInt8(1) };
  return { version, code: bytes.readUInt16BE(2), requestId: bytes.readInt32BE(4) };
}

/** A message that is in memory whole. @throws NethoodError `bad-message`, `too-large` */
export function decodeIpp<Role extends IppRole>(
  bytes: Buffer,
  role: Role,
  limits: IppLimits = networkLimits,
): { message: IppMessages[Role]; rest: Buffer } {
  const decoder = new IppDecoder(role, limits);
  const rest = decoder.write(bytes) ?? Buffer.alloc(0);
  return { message: decoder.message(), rest };
}

export interface ReadOptions {
  readonly limits?: IppLimits;
  /** Tells the header as soon as it is there, for an answer to a message that breaks later. */
  readonly onHeader?: (header: IppMessageHeader) => void;
}

/**
 * The message at the begin of a stream. `body` is the same stream, standing right after it, nothing of the document
 * copied or lost; read it with `for await` or `pipeline` (it may have ended already), or destroy it.
 * @throws NethoodError `bad-message`, `too-large`; `interrupted` when the stream fails
 */
export async function readIppMessage<Role extends IppRole>(
  stream: Readable,
  role: Role,
  options: ReadOptions = {},
): Promise<{ message: IppMessages[Role]; body: Readable }> {
  const decoder = new IppDecoder(role, options.limits);
  for (;;) {
    const piece = stream.read() as Buffer | null;
    if (piece === null) {
      if (!(await moreToRead(stream))) return { message: decoder.message(), body: stream };
      continue;
    }
    const rest = writeTelling(decoder, piece, options.onHeader);
    if (rest === undefined) continue;
    if (rest.length > 0) stream.unshift(rest);
    return { message: decoder.message(), body: stream };
  }
}

function writeTelling(
  decoder: IppDecoder<IppRole>,
  piece: Buffer,
  onHeader: ReadOptions['onHeader'],
): Buffer | undefined {
  const known = decoder.header;
  try {
    return decoder.write(piece);
  } finally {
    if (known === undefined && decoder.header !== undefined) onHeader?.(decoder.header);
  }
}

/** False at the end of the stream. */
function moreToRead(stream: Readable): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      for (const [name, listener] of Object.entries(listeners)) stream.off(name, listener);
      act();
    };
    const broken = (error?: Error): void =>
      settle(() =>
        reject(new NethoodError('interrupted', 'The connection broke within an IPP message.', { cause: error })),
      );
    const listeners = {
      readable: () => settle(() => resolve(true)),
      end: () => settle(() => resolve(false)),
      error: broken,
      close: () => (stream.readableEnded ? settle(() => resolve(false)) : broken()),
    };
    if (stream.readableEnded) return resolve(false);
    if (stream.destroyed) return broken(stream.errored ?? undefined);
    for (const [name, listener] of Object.entries(listeners)) stream.on(name, listener);
  });
}

/** The document behind a request's attributes: unpacked, looked at, ready for the spool. */
import { Readable } from 'node:stream';
import { createGunzip, createInflateRaw, type Gunzip, type InflateRaw } from 'node:zlib';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { anyFormat, checkFormat } from './document-format.ts';
import { failed, refused, type IppAnswer } from './ipp-answer.ts';
import type { IppExchange } from './ipp-exchange.ts';
import type { compressions } from './printer-fixed.ts';
import type { IncomingDocument } from './spool-documents.ts';

export type Compression = (typeof compressions)[number];

export interface DocumentClaims {
  /** MIME type without parameters; octet-stream claims nothing. */
  readonly format: string;
  readonly compression: Compression;
  /** document-name */
  readonly name: string | undefined;
  /** What the printer takes. */
  readonly formats: readonly string[];
}

export function incomingDocument(exchange: IppExchange, claims: DocumentClaims): IncomingDocument {
  return {
    stream: unpacked(exchange.body, claims.compression),
    declaredBytes: claims.compression === 'none' ? exchange.declaredBytes : undefined,
    supplied: { format: claims.format, compression: claims.compression, name: claims.name },
    check: (head) => {
      if (head.length === 0) throw new NethoodError('bad-request', 'The request has no document.');
      return checkFormat(head, claims.format, claims.formats);
    },
  };
}

/** A document that is not what it claims is an error in it (0x0411); one that claims nothing is of no known format (0x040A). */
export function documentRefusal(error: unknown, { format }: DocumentClaims): IppAnswer {
  if (hasCode(error, 'bad-document') && error instanceof Error && format !== anyFormat)
    return refused('client-error-document-format-error', error.message);
  if (isPackingError(error))
    return refused('client-error-compression-error', 'The document is not packed as its compression says.');
  return failed(error);
}

/** Whether anything follows the attributes; nothing of it is lost. */
export async function hasDocument(body: Readable): Promise<boolean> {
  for (;;) {
    const chunk = body.read() as Buffer | null;
    if (chunk !== null) {
      body.unshift(chunk);
      return true;
    }
    if (body.readableEnded || body.destroyed) return false;
    await new Promise<void>((resolve) => {
      const events = ['readable', 'end', 'close', 'error'];
      const settle = (): void => {
        for (const name of events) body.off(name, settle);
        resolve();
      };
      for (const name of events) body.on(name, settle);
    });
  }
}

/**
 * RFC 8011 section 5.4.32: `deflate` is RFC 1951 without any header. The limit on a document's bytes holds for what comes
 * out; and what is nearly all air ends long before that would be reached.
 */
function unpacked(body: Readable, compression: Compression): Readable {
  if (compression === 'none') return body;
  const unpacker = compression === 'gzip' ? createGunzip() : createInflateRaw();
  // Nobody may read yet; whoever does is told.
  unpacker.on('error', () => undefined);
  body.once('error', (error) => unpacker.destroy(error));
  body.once('close', () => {
    if (!body.readableEnded) unpacker.destroy(new NethoodError('interrupted', 'The document broke off.'));
  });
  return Readable.from(withoutBomb(body.pipe(unpacker)), { objectMode: false });
}

/** Pages of white raster reach 1:100; DEFLATE itself 1:1032. */
const mostAir = 250;
const airAllowed = 64 * 2 ** 20;

/** `bytesWritten` of a packer is what it has read. */
async function* withoutBomb(unpacker: Gunzip | InflateRaw): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const chunk of unpacker.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > airAllowed && bytes > unpacker.bytesWritten * mostAir) {
      unpacker.destroy();
      throw new NethoodError('too-large', `The document unpacks to more than ${mostAir} times its size.`);
    }
    yield chunk;
  }
}

function isPackingError(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && String(cause.code).startsWith('Z_');
}

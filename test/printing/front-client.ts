/** A client of the IPP front: requests as a test words them, answers decoded. */
import { Agent, request as httpRequest } from 'node:http';
import { expect } from 'vitest';
import {
  firstNumber,
  group,
  groupOf,
  keyword,
  name,
  requestOf,
  uri,
  type AttributeTable,
} from '../../agent/printing/ipp-attributes.ts';
import { decodeIpp } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { statusName, type OperationName } from '../../agent/printing/ipp-tables.ts';
import type { AttributeGroup, IppGroup, IppRequest, IppResponse } from '../../agent/printing/ipp-values.ts';
import type { TestFront } from './print-support.ts';

export const onePagePdf = Buffer.from('%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n');

export interface Ask {
  readonly user?: string;
  readonly operation?: AttributeTable;
  readonly job?: AttributeTable;
  readonly document?: Buffer;
  readonly uri?: string;
}

interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

export const statusOf = (response: IppResponse): string => statusName(response.status);
export const jobIdOf = (response: IppResponse): number => firstNumber(groupOf(response, 'job'), 'job-id') ?? 0;

export class FrontClient {
  readonly #front: () => Pick<TestFront, 'port' | 'uri'>;
  readonly #agent: Agent;

  /** @param localAddress whence it comes, where several senders are told apart by it */
  constructor(front: () => Pick<TestFront, 'port' | 'uri'>, localAddress?: string) {
    this.#front = front;
    this.#agent = new Agent({ keepAlive: true, ...(localAddress === undefined ? {} : { localAddress }) });
  }

  /** Ends its idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  /** A request of HTTP as it is. */
  post(
    body: Buffer,
    headers: Record<string, string> = {},
    path = '/ipp/print/laser',
    method = 'POST',
  ): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const { port } = this.#front();
      const options = { host: '127.0.0.1', port, method, path, agent: this.#agent };
      const request = httpRequest(
        { ...options, headers: { 'content-type': 'application/ipp', ...headers } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              type: response.headers['content-type'] ?? '',
              headers: response.headers,
              body: Buffer.concat(chunks),
            }),
          );
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  async send(request: IppRequest, document: Buffer = Buffer.alloc(0), path?: string): Promise<IppResponse> {
    const { status, body } = await this.post(Buffer.concat([encodeIpp(request), document]), {}, path);
    expect(status).toBe(200);
    return decodeIpp(body, 'response').message;
  }

  ask(operation: OperationName, options: Ask = {}): Promise<IppResponse> {
    const { user = 'dora', operation: more = {}, job, document, uri: to } = options;
    const subject = 'job-uri' in more ? {} : { 'printer-uri': uri(to ?? this.#front().uri('laser')) };
    const ticket: IppGroup[] = job === undefined ? [] : [group('job', job)];
    return this.send(
      requestOf(operation, { ...subject, 'requesting-user-name': name(user), ...more }, ...ticket),
      document,
    );
  }

  print(more: Ask = {}): Promise<IppResponse> {
    return this.ask('Print-Job', { document: onePagePdf, ...more });
  }

  async printer(...requested: string[]): Promise<AttributeGroup> {
    const operation = requested.length === 0 ? {} : { 'requested-attributes': keyword(...requested) };
    return groupOf(await this.ask('Get-Printer-Attributes', { operation }), 'printer');
  }
}

/** Many small print jobs over a few connections that stay open, each sent as soon as the one before is answered. */
import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';

export interface JobBurst {
  /** `http://host:port/path` */
  readonly url: string;
  readonly uri: string;
  readonly jobs: number;
  readonly connections: number;
  readonly document: Buffer;
}

/** Jobs a second. @throws Error where one is not taken */
export async function printMany({ url, uri, jobs, connections, document }: JobBurst): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const body = Buffer.concat([printJobHead(uri), document]);
  let left = jobs;
  const work = async (): Promise<void> => {
    while (left-- > 0) await printOne(url, agent, body);
  };
  try {
    const begin = performance.now();
    await Promise.all(Array.from({ length: connections }, work));
    return jobs / ((performance.now() - begin) / 1000);
  } finally {
    agent.destroy();
  }
}

async function printOne(url: string, agent: Agent, body: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/ipp', 'content-length': body.length };
  const http = request(url, { method: 'POST', agent, headers });
  http.end(body);
  const [answer] = (await once(http, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const status = Buffer.concat(chunks).readUInt16BE(2);
  if (answer.statusCode !== 200 || status > 0xff)
    throw new Error(`${url} took no job: HTTP ${answer.statusCode}, IPP 0x${status.toString(16)}`);
}

/** Print-Job of IPP 1.1 (RFC 8010 section 3.1.1) up to the end of its attributes. */
function printJobHead(uri: string): Buffer {
  return Buffer.concat([
    Buffer.from([1, 1, 0, 2, 0, 0, 0, 1, 1]),
    attribute(0x47, 'attributes-charset', 'utf-8'),
    attribute(0x48, 'attributes-natural-language', 'en'),
    attribute(0x45, 'printer-uri', uri),
    attribute(0x42, 'requesting-user-name', 'bench'),
    attribute(0x49, 'document-format', 'application/pdf'),
    Buffer.from([3]),
  ]);
}

function attribute(tag: number, name: string, value: string): Buffer {
  const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)];
  const head = Buffer.alloc(3);
  head.writeUInt8(tag);
  head.writeUInt16BE(nameBytes.length, 1);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(valueBytes.length);
  return Buffer.concat([head, nameBytes, length, valueBytes]);
}

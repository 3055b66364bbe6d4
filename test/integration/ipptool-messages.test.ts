// needs: cups
/**
 * Every message of ipptool's own test files, requests and the answers of a real cupsd, through our codec and back: byte
 * for byte what it was. What some files say wrong on purpose has to come back as wrong as it was.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeIpp, localLimits, type IppRole } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { attributesFromJson, attributesToJson, JsonAttributes } from '../../agent/printing/ipp-json.ts';
import { operationName } from '../../agent/printing/ipp-tables.ts';
import { groupTags, type IppRequest, type IppResponse } from '../../agent/printing/ipp-values.ts';
import { count } from '../office/counts.ts';
import { startCups, type CupsServer } from '../office/cups.ts';
import { makePdf } from '../office/documents.ts';

const files = '/usr/share/cups/ipptool';

interface Recorded {
  readonly role: IppRole;
  readonly bytes: Buffer;
}

/** Between ipptool, for one file, and cupsd. */
interface Recorder {
  readonly server: Server;
  readonly recorded: Recorded[];
}

let folder: string;
let cups: CupsServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-messages-'));
  await makePdf(join(folder, 'document-a4.pdf'), 'A page');
  cups = await startCups();
});

afterAll(async () => {
  await cups?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function startRecorder(): Promise<Recorder> {
  const recorded: Recorded[] = [];
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const asked = await buffer(request);
      recorded.push({ role: 'request', bytes: asked });
      const { status, body } = await passOn(request.url ?? '', asked);
      if (status === 200) recorded.push({ role: 'response', bytes: body });
      response.writeHead(status, { 'content-type': 'application/ipp', 'content-length': body.length }).end(body);
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { server, recorded };
}

/** To cupsd and back, as it is. */
async function passOn(path: string, asked: Buffer): Promise<{ status: number; body: Buffer }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const to = { host: '127.0.0.1', port: cups.port, method: 'POST', path };
    const headers = { 'content-type': 'application/ipp', 'content-length': asked.length };
    httpRequest({ ...to, headers }, resolve)
      .on('error', reject)
      .end(asked);
  });
  return { status: answer.statusCode ?? 500, body: await buffer(answer) };
}

/** Whether its tests pass is no matter here: much of it is for printers that can more, and some waits for minutes. */
async function messagesOf(file: string): Promise<readonly Recorded[]> {
  const { server, recorded } = await startRecorder();
  const { port } = server.address() as AddressInfo;
  const uri = `ipp://127.0.0.1:${port}/printers/laser`;
  const document = join(folder, 'document-a4.pdf');
  const args = ['-t', '-I', '-T', '5', '-f', document, uri, join(files, file)];
  const timeout = count(10_000, 60_000);
  await new Promise<void>((resolve) => void execFile('ipptool', args, { timeout }, () => resolve()));
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
  return recorded;
}

type Message = IppRequest | IppResponse;

/** As our encoder does, but for the two attributes that it puts first whatever their order was. */
function encodedInOrder(message: Message): Buffer {
  const [first, ...others] = message.groups;
  if (first?.group !== 'operation') return encodeIpp(message);
  const bytes = encodeIpp({ ...message, groups: [{ ...first, group: 'unsupported' }, ...others] });
  bytes[8] = groupTags.operation;
  return bytes;
}

function throughJournal(message: Message): Message {
  const groups = message.groups.map((each) => {
    const json: unknown = JSON.parse(JSON.stringify(attributesToJson(each.attributes)));
    return { group: each.group, attributes: attributesFromJson(JsonAttributes.parse(json)) };
  });
  return { ...message, groups };
}

/** One test of ipp-1.1.test begins with the language, to see it refused. */
function beginsWithLanguage({ groups }: Message): boolean {
  return groups[0]?.attributes.keys().next().value === 'attributes-natural-language';
}

test('all files of ipptool speak, and every message comes back byte for byte', { timeout: 120_000 }, async () => {
  const names = (await readdir(files)).filter((name) => name.endsWith('.test'));
  const messages = await Promise.all(names.map(messagesOf));
  expect(names.filter((_, at) => messages[at]?.length === 0)).toEqual([]);
  const operations = new Map<string, number>();
  let otherwise = 0;
  for (const { role, bytes } of messages.flat()) {
    const { message, rest } = decodeIpp(bytes, role, localLimits);
    const attributes = bytes.subarray(0, bytes.length - rest.length);
    expect(encodedInOrder(message).equals(attributes), attributes.toString('hex')).toBe(true);
    expect(encodedInOrder(throughJournal(message)).equals(attributes), attributes.toString('hex')).toBe(true);
    if (beginsWithLanguage(message)) otherwise++;
    else expect(encodeIpp(message).equals(attributes), attributes.toString('hex')).toBe(true);
    if (!('operation' in message)) continue;
    const operation = operationName(message.operation);
    operations.set(operation, (operations.get(operation) ?? 0) + 1);
  }
  const counted = Array.from(operations, ([operation, times]) => `${operation} ${times}`).toSorted();
  process.stdout.write(`${names.length} files, ${messages.flat().length} messages: ${counted.join(', ')}\n`);
  expect(otherwise).toBeLessThan(messages.flat().length / 10);
  expect(operations.size).toBeGreaterThan(12);
});

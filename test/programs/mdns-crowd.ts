/**
 * Many agents in one process, for a storm with real ones among them: `mdns-crowd.js <first number> <count> <of all> <start
 * within ms> <own address> <address>…`. Each has a responder of its own and an address that it may share, as users of one PC
 * do, and on starting asks for all others, once. Responders hear the questions of all; that there is a crowd they are told,
 * for to keep a cache for each would take more than the storm's time.
 *
 * A line on stdin starts it; the next one ends it, and tells by how much its busiest agent was late: `{"latestMs"}`.
 */
import { createHash } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { base32 } from '../../agent/base/random-id.ts';
import { decodeMessage } from '../../agent/discovery/dns-decode.ts';
import { encodeMessage, splitMessage } from '../../agent/discovery/dns-encode.ts';
import { type DnsMessage, type DnsName, recordTypes } from '../../agent/discovery/dns-types.ts';
import { Responder } from '../../agent/discovery/responder.ts';
import type { ResponderEffect } from '../../agent/discovery/responder-types.ts';
import { DeviceId, hostNameOf } from '../../protocol/ids.ts';

const mdnsPort = 5353;
const group = '224.0.0.251';
const packetBytes = 1_440;
const type: DnsName = ['_nethood', '_tcp', 'local'];
const [first = '', count = '', all = '', startWithin = '', own = '', ...addresses] = process.argv.slice(2);
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify({ ...line, at: Date.now() })}\n`);
const running: CrowdAgent[] = [];
let asked = -Infinity;
let latest = 0;

const question: DnsMessage = {
  id: 0,
  response: false,
  truncated: false,
  questions: [{ name: type, type: recordTypes.PTR, unicast: false }],
  answers: [],
  authorities: [],
  additionals: [],
};

class CrowdAgent {
  readonly #responder: Responder;
  readonly #address: string;
  readonly #socket: Socket;
  #timer: NodeJS.Timeout | undefined;

  constructor(n: number, address: string, socket: Socket) {
    this.#address = address;
    this.#socket = socket;
    this.#responder = new Responder({
      random: Math.random,
      isOwn: () => false,
      onLink: (other) => other.startsWith('10.77.0.'),
      // The other crowds start their agents at the same pace.
      othersWith: () => Math.round((running.length * Number(all)) / Number(count)) - 1,
    });
    const name = `Emulated ${n}`;
    const id = DeviceId.parse(base32(createHash('sha256').update(name).digest()));
    const txt = [`id=${id}`, 'v=1', `name=${name}`].map((text) => Buffer.from(text));
    const services = [{ instance: [name, ...type], subtypes: [], port: 6_631, txt }];
    this.#run(this.#responder.set({ host: [hostNameOf(id), 'local'], addresses: [address], services }, Date.now()));
    const started = Date.now();
    // RFC 6762 7.3: whoever has just asked has asked for us.
    setTimeout(() => asked < started && this.#ask(), 20 + 100 * Math.random());
  }

  hear(message: DnsMessage, from: string, port: number): void {
    this.#run(this.#responder.receive({ message, from, port, now: Date.now() }));
  }

  #ask(): void {
    asked = Date.now();
    this.#send(question);
    for (const other of running) if (other !== this) other.hear(question, this.#address, mdnsPort);
  }

  #run(effects: readonly ResponderEffect[]): void {
    for (const effect of effects) if (effect.type === 'send') this.#send(effect.message, effect.to);
    clearTimeout(this.#timer);
    const due = this.#responder.nextAt();
    if (due === Infinity) return;
    this.#timer = setTimeout(
      () => {
        latest = Math.max(latest, Date.now() - due);
        this.#run(this.#responder.tick(Date.now()));
      },
      Math.max(0, due - Date.now()),
    );
  }

  #send(message: DnsMessage, to?: { readonly address: string; readonly port: number }): void {
    for (const part of splitMessage(message, packetBytes)) {
      const bytes = encodeMessage(part);
      this.#socket.send(bytes, to?.port ?? mdnsPort, to?.address ?? group);
    }
  }
}

/** Whoever asks without known answers asks for all that the others would ask for (RFC 6762 7.3). */
function isQuestion({ questions, answers }: DnsMessage): boolean {
  return answers.length === 0 && questions.some(({ unicast }) => !unicast);
}

async function open(address: string, from: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.bind({ address, port: mdnsPort });
  await once(socket, 'listening');
  socket.setMulticastInterface(from);
  socket.setMulticastTTL(255);
  socket.setMulticastLoopback(false);
  return socket;
}

const sockets = await Promise.all(addresses.map((address) => open(address, address)));
const listener = await open('0.0.0.0', own);
listener.addMembership(group, own);
listener.setRecvBufferSize(1 << 22);
listener.on('message', (bytes, { address, port }) => {
  const message = decodeMessage(bytes);
  // Answers and probes for other names change nothing for them, and to look at each hundreds of times takes too long.
  if (message.response || message.authorities.length > 0) return;
  if (isQuestion(message)) asked = Date.now();
  for (const agent of running) agent.hear(message, address, port);
});

const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
tell({ ready: sockets.length });
await orders.next();
const began = Date.now();
const starts = Array.from({ length: Number(count) }, () => Number(startWithin) * Math.random());
for (const [n, at] of starts.toSorted((a, b) => a - b).entries()) {
  const wait = began + at - Date.now();
  if (wait > 0) await sleep(wait);
  const socket = sockets[n % sockets.length];
  if (socket !== undefined)
    running.push(new CrowdAgent(Number(first) + n, addresses[n % addresses.length] ?? '', socket));
}
tell({ started: running.length });
await orders.next();
tell({ latestMs: latest });
process.exit(0);

/**
 * A LAN in memory: hosts with addresses, and the sockets between them, behind the interfaces that real agents use.
 * It behaves as TCP does: what a cut cable holds back comes after it is mended, a dead process closes its sockets, a
 * dead computer does not, and whoever writes to a socket that a restarted computer knows nothing of is told so.
 */
import { Emitter } from '../../agent/base/emitter.ts';
import type { Address, Announcement, Discovery, DiscoveryEvents, Sighting } from '../../agent/discovery/discovery.ts';
import type { PeerSocket, PeerSocketEvents, PeerTransport } from '../../agent/peers/peer-socket.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { deadlines } from '../../protocol/peer.ts';
import type { SimClock } from './clock.ts';
import { HostClock } from './host-clock.ts';

export class SimLan {
  readonly clock: SimClock;
  readonly latencyMs: () => number;
  readonly hosts: SimHost[] = [];
  readonly #cut = new Set<string>();
  /** Sockets that wait for a way: looked at again when one opens. */
  readonly #held = new Set<SimSocket>();

  constructor(clock: SimClock, latencyMs: () => number = () => 1) {
    this.clock = clock;
    this.latencyMs = latencyMs;
  }

  host(id: DeviceId, address: string): SimHost {
    const host = new SimHost(this, id, address);
    this.hosts.push(host);
    return host;
  }

  /** Nothing gets from one to the other; the other way it still does. */
  cutOneWay(from: SimHost, to: SimHost): void {
    this.#cut.add(`${from.name} ${to.name}`);
  }

  cut(one: SimHost, other: SimHost): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  heal(): void {
    this.#cut.clear();
    this.release();
  }

  release(): void {
    for (const socket of Array.from(this.#held)) socket.flush();
  }

  hold(socket: SimSocket): void {
    this.#held.add(socket);
  }

  unhold(socket: SimSocket): void {
    this.#held.delete(socket);
  }

  passes(from: SimHost, to: SimHost): boolean {
    return from.powered && to.powered && !this.#cut.has(`${from.name} ${to.name}`);
  }

  at({ address }: Address): SimHost | undefined {
    return this.hosts.find((host) => host.address === address && host.powered);
  }

  /** Open pairs of sockets between two hosts, as the first sees them. */
  socketsBetween(one: SimHost, other: SimHost): number {
    return Array.from(one.sockets).filter((socket) => socket.peer?.host === other).length;
  }
}

/** One computer with one agent. */
export class SimHost {
  readonly lan: SimLan;
  readonly id: DeviceId;
  readonly port = 6631;
  readonly name: string;
  address: string;
  /** The agent's process runs. */
  running = true;
  powered = true;
  readonly clock: HostClock;
  readonly sockets = new Set<SimSocket>();
  transport: SimTransport;
  discovery: SimDiscovery;

  constructor(lan: SimLan, id: DeviceId, address: string) {
    this.lan = lan;
    this.id = id;
    this.address = address;
    this.name = `host ${lan.hosts.length}`;
    this.clock = new HostClock(lan.clock, () => lan.release());
    this.transport = new SimTransport(this);
    this.discovery = new SimDiscovery();
  }

  sighting(): Sighting {
    return { id: this.id, name: this.name, port: this.port, addresses: [{ address: this.address }] };
  }

  /** All others that can hear it do. */
  announce(): void {
    this.#multicast((discovery) => discovery.events.emit('seen', this.sighting()));
  }

  goodbye(): void {
    this.#multicast((discovery) => discovery.events.emit('lost', this.id));
  }

  /** kill -9: the system closes the process's sockets. */
  kill(): void {
    this.running = false;
    for (const socket of Array.from(this.sockets)) socket.broke();
    this.clock.stop();
  }

  /** The plug is pulled. */
  powerOff(): void {
    this.powered = false;
    this.running = false;
    for (const socket of Array.from(this.sockets)) socket.vanish();
    this.clock.stop();
  }

  /** A new process, which knows nothing of the old one's sockets. Give it a new agent. */
  restart(): void {
    this.powered = true;
    this.running = true;
    this.transport = new SimTransport(this);
    this.discovery = new SimDiscovery();
    this.clock.restart();
  }

  /** Another address: what ran over the old one runs into the void. */
  moveTo(address: string): void {
    this.address = address;
    for (const socket of Array.from(this.sockets)) socket.strand();
  }

  #multicast(hear: (discovery: SimDiscovery) => void): void {
    for (const other of this.lan.hosts) {
      if (other === this) continue;
      this.lan.clock.timer(this.lan.latencyMs(), () => {
        if (this.lan.passes(this, other) && other.running) hear(other.discovery);
      });
    }
  }
}

export class SimDiscovery implements Discovery {
  readonly events = new Emitter<DiscoveryEvents>();
  readonly renames: Discovery['renames'] = new Emitter();
  readonly hostName = 'nh-aaaaaaaa.local';
  readonly reconfirmed: DeviceId[] = [];

  announce(_services: readonly Announcement[]): Promise<void> {
    return Promise.resolve();
  }

  announcedName(name: string): string {
    return name;
  }

  reconfirm(id: DeviceId): void {
    this.reconfirmed.push(id);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

export class SimTransport implements PeerTransport {
  readonly events = new Emitter<{ incoming: [PeerSocket] }>();
  readonly #host: SimHost;
  /** Calls to `dial` and `dialUnknown`. */
  dials = 0;

  constructor(host: SimHost) {
    this.#host = host;
  }

  dial(id: DeviceId, address: Address, port: number, signal: AbortSignal): Promise<PeerSocket> {
    return this.#dial({ id, address, port }, signal);
  }

  dialUnknown(address: Address, port: number, signal: AbortSignal): Promise<PeerSocket> {
    return this.#dial({ id: undefined, address, port }, signal);
  }

  #dial(
    target: { id: DeviceId | undefined; address: Address; port: number },
    signal: AbortSignal,
  ): Promise<PeerSocket> {
    this.dials += 1;
    const { lan } = this.#host;
    return new Promise((resolve, reject) => {
      let step: Disposable;
      let opened: SimSocket | undefined;
      const deadline = this.#host.clock.timer(deadlines.dial, () =>
        end(() => reject(new NethoodError('timeout', `${target.address.address} did not answer.`))),
      );
      const aborted = (): void => end(() => reject(signal.reason as Error));
      const end = (act: () => void): void => {
        step[Symbol.dispose]();
        deadline[Symbol.dispose]();
        signal.removeEventListener('abort', aborted);
        act();
        opened?.broke();
      };
      const refuse = (why: string): void => end(() => reject(new NethoodError('unreachable', why)));
      // There and back three times: TCP, TLS, the WebSocket's handshake.
      step = lan.clock.timer(lan.latencyMs() * 6, () => {
        // The process that dialled may have died meanwhile.
        if (this.#host.transport !== this || !this.#host.running) return;
        const host = lan.at(target.address);
        if (host === undefined || !lan.passes(this.#host, host) || !lan.passes(host, this.#host)) return;
        if (!host.running || target.port !== host.port) return refuse(`${target.address.address} refused.`);
        if (host.clock.frozen) return;
        if (target.id !== undefined && host.id !== target.id) return refuse('Another device answers.');
        const [ours, theirs] = connect(this.#host, host);
        opened = ours;
        host.transport.events.emit('incoming', theirs);
        step = this.#host.clock.timer(lan.latencyMs(), () => {
          opened = undefined;
          end(() => resolve(ours));
        });
      });
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted, { once: true });
    });
  }
}

function connect(dialler: SimHost, host: SimHost): [SimSocket, SimSocket] {
  const ours = new SimSocket(dialler, { id: host.id, address: host.address, dialled: true });
  const theirs = new SimSocket(host, { id: dialler.id, address: dialler.address, dialled: false });
  ours.peer = theirs;
  theirs.peer = ours;
  return [ours, theirs];
}

type Packet = { readonly text: string } | { readonly code: number; readonly reason: string };

class ListenedEmitter extends Emitter<PeerSocketEvents> {
  readonly #listened: () => void;

  constructor(listened: () => void) {
    super();
    this.#listened = listened;
  }

  override on<Name extends keyof PeerSocketEvents>(
    name: Name,
    listener: (...args: PeerSocketEvents[Name]) => void,
  ): Disposable {
    this.#listened();
    return super.on(name, listener);
  }
}

let serials = 0;

/** One end of a connection. */
export class SimSocket implements PeerSocket {
  readonly serial = ++serials;
  readonly host: SimHost;
  readonly id: DeviceId;
  readonly address: string;
  readonly localAddress: string;
  readonly dialled: boolean;
  /** What arrives before somebody listens waits for him, as the real transport has it. */
  readonly events = new ListenedEmitter(() => queueMicrotask(() => this.peer?.flush()));
  peer: SimSocket | undefined;
  /** `vanished`: the computer forgot it without a word. */
  #state: 'open' | 'closed' | 'vanished' = 'open';
  /** Its address is no more. */
  #stranded = false;
  /** Sent and not yet arrived, in order. */
  readonly #flight: Packet[] = [];
  #lastArrival = 0;

  constructor(host: SimHost, { id, address, dialled }: { id: DeviceId; address: string; dialled: boolean }) {
    this.host = host;
    this.id = id;
    this.address = address;
    this.localAddress = host.address;
    this.dialled = dialled;
    host.sockets.add(this);
  }

  get bufferedBytes(): number {
    return this.#flight.reduce((sum, packet) => sum + ('text' in packet ? packet.text.length : 0), 0);
  }

  send(text: string): void {
    if (this.#state === 'open') this.#transmit({ text });
  }

  close(code: number, reason: string): void {
    if (this.#state !== 'open') return;
    this.#shut('closed');
    this.#transmit({ code, reason });
    queueMicrotask(() => this.events.emit('close', code, reason));
  }

  /** The process died; the system says so for it. */
  broke(): void {
    if (this.#state !== 'open') return;
    this.#shut('closed');
    this.#transmit({ code: 1006, reason: '' });
  }

  vanish(): void {
    this.#shut('vanished');
    this.#flight.length = 0;
    this.host.lan.unhold(this);
  }

  strand(): void {
    this.#stranded = true;
    if (this.peer !== undefined) this.peer.#stranded = true;
  }

  /** Delivers what has arrived, as far as there is a way. */
  flush(): void {
    const { lan } = this.host;
    const { peer } = this;
    if (peer === undefined) return;
    if (this.#stranded || !lan.passes(this.host, peer.host) || peer.host.clock.frozen) return lan.hold(this);
    if (peer.#state === 'open' && peer.events.listenerCount('message') === 0) return lan.hold(this);
    lan.unhold(this);
    for (let packet = this.#flight.shift(); packet !== undefined; packet = this.#flight.shift()) peer.#arrive(packet);
  }

  #transmit(packet: Packet): void {
    const { lan } = this.host;
    this.#flight.push(packet);
    this.#lastArrival = Math.max(this.#lastArrival, lan.clock.now() + lan.latencyMs());
    lan.clock.timer(this.#lastArrival - lan.clock.now(), () => this.flush());
  }

  #arrive(packet: Packet): void {
    if (this.#state === 'open') {
      if ('text' in packet) return this.events.emit('message', packet.text);
      this.#shut('closed');
      return this.events.emit('close', packet.code, packet.reason);
    }
    // RST: this end is gone, and its computer says so to whoever still writes.
    const { peer } = this;
    if (!('text' in packet) || peer === undefined || peer.#state !== 'open') return;
    peer.#shut('closed');
    peer.events.emit('close', 1006, '');
  }

  #shut(state: 'closed' | 'vanished'): void {
    this.#state = state;
    this.host.sockets.delete(this);
  }
}

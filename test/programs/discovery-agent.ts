/**
 * Discovery alone, for the tests of an office: announces one agent and tells on stdout, one JSON document a line, what
 * it sees, with the wall clock's milliseconds in `at`. `discovery-agent.js <seed> <name> [<port>]`, with an empty name
 * for nothing at first; a line on stdin `{"name": …, "port": …}` announces anew (with `"printer": …` a printer, too),
 * `{"nothing": true}` takes all back,
 * `{"reconfirm": <id>}` doubts a neighbour, `{"report": true}` tells what the links did. SIGTERM stops it with a goodbye.
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { systemClock } from '../../agent/base/clock.ts';
import { type Log, silentLog } from '../../agent/base/log.ts';
import { base32 } from '../../agent/base/random-id.ts';
import { createMdnsDiscovery } from '../../agent/discovery/mdns-discovery.ts';
import { watchCards } from '../../agent/discovery/card-watcher.ts';
import type { Announcement } from '../../agent/discovery/discovery.ts';
import { agentServiceType } from '../../protocol/dns-sd.ts';
import { DeviceId, hostNameOf } from '../../protocol/ids.ts';

const [seed = '', name = '', port = '6631'] = process.argv.slice(2);
const self = DeviceId.parse(base32(createHash('sha256').update(seed).digest()));
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify({ ...line, at: Date.now() })}\n`);
const warn: Log['warn'] = (values: object | string, message?: string) => tell({ warn: message ?? values, values });
const log: Log = Object.assign(Object.create(silentLog) as Log, { warn, error: warn });

interface Wanted {
  readonly name: string;
  readonly port: number;
  readonly printer?: string;
}

function services({ name: own, port: ownPort, printer }: Wanted): Announcement[] {
  const agent = {
    name: own,
    type: agentServiceType.name,
    subtypes: [],
    port: ownPort,
    txt: { id: self, v: '1', name: own },
  };
  if (printer === undefined) return [agent];
  const txt = { txtvers: '1', rp: 'ipp/print/laser' };
  return [agent, { name: printer, type: 'ipp', subtypes: ['_print', '_universal'], port: ownPort + 1, txt }];
}

const cards = watchCards({ clock: systemClock, log, rules: () => ({ use: [], ignore: [], networks: [] }) });
const discovery = createMdnsDiscovery({
  self,
  hostName: hostNameOf(self),
  cards,
  clock: systemClock,
  random: Math.random,
  log,
  isProtected: () => false,
  names: { memory: { host: 1, instances: {} }, save: (names) => tell({ names }) },
});
tell({ started: true });
discovery.events.on('seen', (seen) => tell({ seen }));
discovery.events.on('lost', (lost) => tell({ lost }));
cards.events.on('woke', () => tell({ woke: true }));

async function announce(wanted: Wanted): Promise<void> {
  await discovery.announce(services(wanted));
  tell({ announced: discovery.announcedName(wanted.name), self, problem: discovery.problem ?? null });
}

process.once('SIGTERM', () => {
  void discovery[Symbol.asyncDispose]().then(() => process.exit(0));
});
createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line) as Wanted | { nothing: true } | { reconfirm: string } | { report: true };
  tell({ ordered: order });
  if ('reconfirm' in order) discovery.reconfirm(DeviceId.parse(order.reconfirm));
  else if ('report' in order) tell({ report: discovery.report() });
  else if ('nothing' in order) void discovery.announce([]);
  else void announce(order);
});
// A socket that cannot be bound keeps no process alive; an agent has other ones.
setInterval(() => {}, 60_000);
tell({ self, cards: cards.cards.map((card) => card.name) });
if (name !== '') await announce({ name, port: Number(port) });

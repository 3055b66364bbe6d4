/** Whether the cards in use carry multicast, and who keeps it away where they do not. Pure. */
import type { DoctorCard, DoctorFacts, DoctorLink, Finding } from '../../protocol/doctor.ts';
import { linkTest } from './cards.ts';
import { counted, note, problem, well } from './diagnosis-finding.ts';

export function cardFindings(facts: DoctorFacts): Finding[] {
  const used = facts.cards.filter((card) => card.used);
  if (used.length === 0)
    return [
      problem(
        'no-card',
        'No network card with an address is in use, so nobody can be found.',
        'Connect this PC to a network, or name a card under "lan": {"use": […]} in config.json.',
      ),
    ];
  return [...loopbackFindings(used), ...portFindings(facts), ...used.flatMap((card) => linkFindings(card, facts))];
}

function loopbackFindings(used: readonly DoctorCard[]): Finding[] {
  if (!used.every(({ loopback }) => loopback)) return [];
  return [
    note(
      'loopback-only',
      'Only loopback is in use: agents on this PC find each other, nobody else does.',
      'Connect this PC to a network, or name a card under "lan": {"use": […]} in config.json.',
    ),
  ];
}

/** Others on the port are usual: every one gets each multicast packet, and our questions ask for no other answers. */
function portFindings({ port5353: { others, avahi }, packets }: DoctorFacts): Finding[] {
  if (packets.some(isTaken)) return [];
  if (avahi) return [well('port-shared', 'Avahi shares UDP port 5353 with this agent; both hear every packet.')];
  if (others === null || others === 0) return [];
  const who = counted(others, 'socket of another program', 'sockets of other programs');
  return [well('port-shared', `${who} on this PC share UDP port 5353 with this agent; all hear every packet.`)];
}

function linkFindings(card: DoctorCard, facts: DoctorFacts): Finding[] {
  const links = facts.packets.filter((link) => link.card === card.name);
  const working = links.filter(({ works }) => works);
  const broken = links.flatMap((link) => brokenFindings(link, working.length > 0));
  return working.length === 0 || card.loopback ? broken : [...broken, packetFinding(card, working, facts)];
}

function brokenFindings(link: DoctorLink, othersWork: boolean): Finding[] {
  if (link.works) return [];
  const family = `IPv${link.family}`;
  if (isTaken(link))
    return [
      problem(
        'port-taken',
        `Another program keeps UDP port 5353 for itself: nobody can be found on ${link.card} by ${family}.`,
        'End that program, or let it share the port; `ss -ulpn sport = :5353` names it.',
      ),
    ];
  const message = `${link.card} carries no multicast of ${family}${link.problem === null ? ' yet' : ` (${link.problem})`}.`;
  // The other family reaches the same neighbours.
  if (othersWork || link.problem === null) return [note('link-broken', message, null)];
  return [problem('link-broken', message, `See that ${link.card} is up and connected; it is tried again by itself.`)];
}

function isTaken({ problem: code }: DoctorLink): boolean {
  return code === 'EADDRINUSE' || code === 'EACCES';
}

/**
 * One sentence for a card on which packets go out. Everybody answers the question that the second opinion asks, so that
 * silence while it looked means something; what came before may have been answers to us alone, which no filter stops.
 */
function packetFinding(card: DoctorCard, links: readonly DoctorLink[], facts: DoctorFacts): Finding {
  const sum = (of: (link: DoctorLink) => number): number => links.reduce((total, link) => total + of(link), 0);
  const received = sum((link) => link.received);
  const last = links.reduce((latest, { lastReceived }) => later(latest, lastReceived), '');
  const packets = counted(received, 'packet', 'packets');
  const heard = well('hears-others', `Others are heard on ${card.name}: ${packets} so far.`);
  if (last >= facts.began) return heard;
  if (received === 0 && sum((link) => link.sent) > 0 && sum((link) => link.own) === 0)
    return problem(
      'own-lost',
      `Not even this PC's own multicast comes back on ${card.name}: a firewall of this PC keeps UDP port 5353 out.`,
      'Let it in, for instance by `ufw allow 5353/udp` or `firewall-cmd --add-service=mdns`.',
    );
  const ready = readyOn(card, facts);
  if (ready > 0)
    return problem(
      'multicast-filtered',
      `Nobody answers by multicast on ${card.name}, though ${counted(ready, 'neighbour is', 'neighbours are')} in session there: the network filters multicast.`,
      'Turn off client isolation in the access point and IGMP snooping in the switch; until then `nethood neighbour add <address>` reaches others.',
    );
  if (received === 0)
    return note(
      'nobody-heard',
      `Only this PC's own multicast is heard on ${card.name}: nobody else is there, or the network or their firewalls keep it away.`,
      'If somebody should be there, try `nethood neighbour add <address>`; if that works, look for client isolation or IGMP snooping.',
    );
  if (facts.sightings.length === 0) return heard;
  return note(
    'fell-silent',
    `Nobody answered on ${card.name} while this was examined; the last packet of another PC came at ${last}.`,
    'If neighbours are there, look for IGMP snooping without a querier in the switch or access point: it cuts multicast off after minutes.',
  );
}

function readyOn({ addresses }: DoctorCard, { neighbours }: DoctorFacts): number {
  // A link-local address tells its card by the zone.
  const onCard = linkTest([], addresses);
  const isThere = (address: string): boolean => !address.includes('%') && onCard(address);
  return neighbours.filter(({ state, addresses: theirs }) => state === 'ready' && theirs.some(isThere)).length;
}

/** ISO 8601 in UTC sorts as text. */
function later(one: string, other: string | null): string {
  return other !== null && other > one ? other : one;
}

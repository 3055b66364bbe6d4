/** Who is there, by whom they are seen, and why one that is seen is not in session. Pure. */
import type { DoctorFacts, DoctorNeighbour, DoctorSighting, Finding } from '../../protocol/doctor.ts';
import { linkTest } from './cards.ts';
import { counted, named, note, problem, well } from './diagnosis-finding.ts';

/** The table of neighbours lists the rest. */
const mostOfAKind = 10;

export function neighbourFindings(facts: DoctorFacts): Finding[] {
  return [
    ...sessionFindings(facts),
    ...facts.neighbours.flatMap((neighbour) => absenceFindings(neighbour)).slice(0, mostOfAKind),
    ...opinionFindings(facts),
  ];
}

function sessionFindings({ neighbours, sightings, secondOpinion, device }: DoctorFacts): Finding[] {
  const ready = neighbours.filter(({ state }) => state === 'ready');
  const others = [...sightings, ...secondOpinion.sightings].filter(({ id }) => id !== device.id);
  if (ready.length === 0 && others.length === 0)
    return [
      note(
        'alone',
        'No other agent was found.',
        'Start nethood on another PC of this network, or name one: `nethood neighbour add <address>`.',
      ),
    ];
  const silent = ready.filter(({ multicast }) => !multicast).map(({ name }) => name);
  const inSession = `${counted(ready.length, 'neighbour is', 'neighbours are')} in session.`;
  const isAre = silent.length === 1 ? 'is' : 'are';
  const unheard = `${named(silent)} ${isAre} in session, but not seen by multicast: known from before, or added by hand.`;
  return [
    ...(ready.length > 0 ? [well('in-session', inSession)] : []),
    ...(silent.length > 0 ? [note('without-multicast', unheard, null)] : []),
  ];
}

function absenceFindings({ name, state, multicast, blocked, port, problem: why }: DoctorNeighbour): Finding[] {
  if (!multicast || blocked || state === 'ready') return [];
  if (state === 'connecting' || why === null)
    return [note('no-session', `"${name}" is seen, and no session stands yet.`, null)];
  return [
    problem(
      'no-session',
      `"${name}" is seen, but no session with it stands. ${why}`,
      `Let TCP port ${port} in at "${name}": its firewall, or client isolation of the network, keeps us out.`,
    ),
  ];
}

/** What the two implementations see apart. */
function opinionFindings({ sightings, secondOpinion, device, cards }: DoctorFacts): Finding[] {
  const ours = new Map(sightings.map((seen) => [seen.id, seen]));
  const theirs = new Set(secondOpinion.sightings.map(({ id }) => id));
  const others = secondOpinion.sightings.filter(({ id }) => id !== null && id !== device.id);
  const unseen = others.filter(({ id }) => !ours.has(id));
  const onLink = linkTest(
    [],
    cards.filter(({ used }) => used).flatMap(({ addresses }) => addresses),
  );
  const reachable = unseen.filter(({ addresses }) => addresses.some((address) => onLink(address)));
  const elsewhere = unseen.filter((seen) => !reachable.includes(seen));
  // Where it could not look, it tells nothing.
  const missedByIt = secondOpinion.failures.length > 0 ? [] : sightings.filter(({ id }) => !theirs.has(id));
  return [
    ...missedFindings(reachable),
    ...elsewhere.slice(0, mostOfAKind).map(offLinkFinding),
    ...others.flatMap((seen) => staleFindings(ours.get(seen.id), seen)).slice(0, mostOfAKind),
    ...unseenByItFindings(missedByIt),
  ];
}

function missedFindings(missed: readonly DoctorSighting[]): Finding[] {
  if (missed.length === 0) return [];
  return [
    problem(
      'missed',
      `The independent browser finds ${namesOf(missed)}, this agent does not.`,
      'Ask again in some seconds; if it stays so, that is a fault of nethood: report what `nethood doctor --json` says.',
    ),
  ];
}

function offLinkFinding({ name, addresses }: DoctorSighting): Finding {
  const where =
    addresses.length === 0 ? 'no address' : `only addresses outside of this network (${addresses.join(', ')})`;
  return note(
    'off-link',
    `"${name}" announces ${where}, so it is left out.`,
    'If that network is to be trusted, name it under "lan": {"networks": […]} in config.json.',
  );
}

function staleFindings(ours: DoctorSighting | undefined, theirs: DoctorSighting): Finding[] {
  if (ours === undefined) return [];
  const known = new Set(ours.addresses.map((address) => address.split('%')[0]));
  const samePlace = theirs.addresses.length === 0 || theirs.addresses.some((address) => known.has(address));
  if (samePlace && theirs.port === ours.port) return [];
  const told = `${theirs.addresses.join(', ')} port ${theirs.port}`;
  const believed = `${ours.addresses.join(', ')} port ${ours.port}`;
  return [
    problem(
      'stale',
      `"${theirs.name}" announces ${told}, this agent knows ${believed}.`,
      'Ask again in some seconds; if it stays so, that is a fault of nethood: report what `nethood doctor --json` says.',
    ),
  ];
}

function unseenByItFindings(missed: readonly DoctorSighting[]): Finding[] {
  if (missed.length === 0) return [];
  const message = `The independent browser, which asks only twice, did not see ${namesOf(missed)}; this agent does.`;
  return [well('seen-by-us-only', message)];
}

/** One device may be seen on several cards. */
function namesOf(seen: readonly DoctorSighting[]): string {
  return named(Array.from(new Map(seen.map(({ id, name }) => [id, name])).values()));
}

/** Whether neighbours are told the truth about this device: names, ports, addresses, as the second opinion hears them. Pure. */
import { agentServiceType } from '../../protocol/dns-sd.ts';
import type { DoctorCard, DoctorFacts, DoctorSighting, Finding } from '../../protocol/doctor.ts';
import { named, note, problem, well } from './diagnosis-finding.ts';

export function announcedFindings(facts: DoctorFacts): Finding[] {
  const { failures } = facts.secondOpinion;
  const working = facts.cards.filter(
    ({ name, used }) => used && facts.packets.some((link) => link.card === name && link.works),
  );
  const examined = working.filter(({ name }) => failures.every(({ card }) => card !== name));
  return [
    ...renamedFindings(facts),
    ...working.filter((card) => !examined.includes(card)).map((card) => failureFinding(card, facts)),
    ...examined.flatMap((card) => toldFindings(card, facts)),
  ];
}

function renamedFindings({ announced }: DoctorFacts): Finding[] {
  const renamed = announced.filter(({ wanted, name }) => wanted !== name);
  return Array.from(new Map(renamed.map((one) => [one.name, one])).values(), ({ wanted, name, type }) =>
    note(
      'renamed',
      `"${wanted}" is announced as "${name}": the name was taken.`,
      type === agentServiceType.name
        ? 'Give this device a name of its own: `nethood name <new name>`.'
        : 'Rename the printer, or the device.',
    ),
  );
}

function failureFinding({ name }: DoctorCard, { secondOpinion }: DoctorFacts): Finding {
  const code = secondOpinion.failures.find(({ card }) => card === name)?.code ?? '';
  return note('no-second-opinion', `The independent browser could not look on ${name} (${code}).`, null);
}

function toldFindings(card: DoctorCard, facts: DoctorFacts): Finding[] {
  const told = facts.secondOpinion.sightings.find((seen) => seen.card === card.name && seen.id === facts.device.id);
  if (told === undefined) return notToldFindings(card, facts);
  const wrong = [...wrongAddresses(card, told), ...wrongPort(card, told, facts)];
  if (wrong.length > 0) return wrong;
  const where = told.addresses.join(', ');
  return [
    well('announced', `Neighbours on ${card.name} are told ${told.host ?? ''} with ${where}, port ${told.port}.`),
  ];
}

/** Where not even our own packets come back, the browser beside us cannot hear us either: that was said already. */
function notToldFindings({ name }: DoctorCard, { packets, announced }: DoctorFacts): Finding[] {
  const comesBack = packets.some(({ card, own }) => card === name && own > 0);
  if (!comesBack || announced.every(({ type }) => type !== agentServiceType.name)) return [];
  return [
    problem(
      'not-announced',
      `The independent browser does not find this device on ${name}.`,
      'Ask again in some seconds, a name that is new is tried first; if it stays so, restart the agent.',
    ),
  ];
}

function wrongAddresses(card: DoctorCard, { addresses }: DoctorSighting): Finding[] {
  const own = new Set(card.addresses.map((address) => address.split(/[/%]/)[0]));
  const foreign = addresses.filter((address) => !own.has(address));
  if (addresses.length > 0 && foreign.length === 0) return [];
  const message =
    foreign.length === 0
      ? `Neighbours on ${card.name} are told no address of this PC.`
      : `Neighbours on ${card.name} are told the address ${foreign.join(', ')}, which this PC does not have there.`;
  return [problem('wrong-address', message, 'Restart the agent: `nethood stop`, then `nethood start`.')];
}

function wrongPort(card: DoctorCard, { port, name }: DoctorSighting, { peersPort }: DoctorFacts): Finding[] {
  if (port === peersPort) return [];
  return [
    problem(
      'wrong-port',
      `Neighbours on ${card.name} are told port ${port} for ${named([name])}, but this agent listens on ${peersPort}.`,
      'Restart the agent: `nethood stop`, then `nethood start`.',
    ),
  ];
}

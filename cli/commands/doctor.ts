import type {
  DoctorCard,
  DoctorFacts,
  DoctorLink,
  DoctorNeighbour,
  DoctorReport,
  Finding,
} from '../../protocol/doctor.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { Command } from '../command.ts';
import { ProgressLine } from '../format/progress.ts';
import { countText, timeText } from '../format/quantity.ts';
import type { Column } from '../format/table.ts';
import type { Output } from '../output.ts';

export const doctor: Command = {
  words: [0, 1],
  details: 'Looks around for about 3 seconds. The exit code is 0 whatever it finds.',
  async run({ args, client, io, out }) {
    if (args.words.length > 0)
      throw new NethoodError('unsupported', '`nethood doctor <neighbour>` is not in this version of nethood.');
    const agent = await client();
    using progress = new ProgressLine(io.stderr, !out.json);
    progress.show('Looking around for 3 seconds …');
    const report = await agent.call('doctor', {}, io.interrupt);
    progress[Symbol.dispose]();
    out.result(report, () => show(report, out));
  },
};

const cardColumns: readonly Column<DoctorCard>[] = [
  { title: 'CARD', cell: ({ name }) => name },
  { title: 'USED', cell: ({ used }) => (used ? 'yes' : 'no') },
  { title: 'WHY', cell: ({ reason }) => reason },
  { title: 'ADDRESSES', cell: ({ addresses }) => addresses.join(', ') },
];

const packetColumns: readonly Column<DoctorLink>[] = [
  { title: 'MULTICAST', cell: ({ card, family }) => `${card} IPv${family}` },
  { title: 'SENT', cell: ({ sent }) => String(sent), align: 'right' },
  { title: 'HEARD', cell: ({ received }) => String(received), align: 'right' },
  { title: 'OWN', cell: ({ own }) => String(own), align: 'right' },
  { title: 'LAST HEARD', cell: lastHeard },
];

const neighbourColumns: readonly Column<DoctorNeighbour>[] = [
  { title: 'NEIGHBOUR', cell: ({ name }) => name },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'MULTICAST', cell: ({ multicast }) => (multicast ? 'yes' : 'no') },
  { title: 'PORT', cell: ({ port }) => String(port), align: 'right' },
  { title: 'ADDRESSES', cell: ({ addresses }) => addresses.join(', ') },
];

const marks: Readonly<Record<Finding['severity'], string>> = { problem: '!', note: '-', ok: '+' };

function show(report: DoctorReport, out: Output): void {
  out.table(cardColumns, report.cards);
  out.say('');
  if (report.packets.length > 0) out.table(packetColumns, report.packets);
  out.say(`Announced: ${announcedText(report)}`);
  out.say(`Independent browser: ${opinionText(report)}`);
  out.say('');
  if (report.neighbours.length > 0) {
    out.table(neighbourColumns, report.neighbours);
    out.say('');
  }
  for (const { severity, message, advice } of report.findings) {
    out.say(`${marks[severity]} ${message}`);
    if (advice !== null) out.say(`    ${advice}`);
  }
  const problems = report.findings.filter(({ severity }) => severity === 'problem').length;
  out.say('');
  out.say(problems === 0 ? 'No problem was found.' : `${countText(problems, 'problem was', 'problems were')} found.`);
}

function lastHeard({ works, lastReceived, problem }: DoctorLink): string {
  if (!works) return `does not work${problem === null ? ' yet' : ` (${problem})`}`;
  return lastReceived === null ? 'never' : timeText(lastReceived);
}

function announcedText({ announced, hostName }: DoctorFacts): string {
  if (announced.length === 0) return 'nothing';
  return `${announced.map(({ name, type, port }) => `"${name}" ${type} ${port}`).join(', ')} on ${hostName}`;
}

function opinionText({ secondOpinion: { sightings, failures }, device }: DoctorFacts): string {
  const others = new Set(sightings.filter(({ id }) => id !== device.id).map(({ id, name }) => id ?? name));
  const seesUs = sightings.some(({ id }) => id === device.id);
  const failed = failures.length === 0 ? '' : `, could not look on ${failures.map(({ card }) => card).join(', ')}`;
  return `sees this device: ${seesUs ? 'yes' : 'no'}, others: ${others.size}${failed}`;
}

/**
 * From what was found to what it means: `nethood doctor`'s sentences, each with a code, how bad it is, and one thing to
 * do. Pure. Cause before effect: where a link does not work at all, nothing more is said about it.
 */
import type { DoctorFacts, Finding } from '../../protocol/doctor.ts';
import { announcedFindings } from './diagnosis-announced.ts';
import { cardFindings } from './diagnosis-cards.ts';
import { neighbourFindings } from './diagnosis-neighbours.ts';

const rank: Readonly<Record<Finding['severity'], number>> = { problem: 0, note: 1, ok: 2 };

/** Problems first, then notes, then what is well. */
export function diagnose(facts: DoctorFacts): Finding[] {
  const all = [...cardFindings(facts), ...announcedFindings(facts), ...neighbourFindings(facts)];
  return all.toSorted((a, b) => rank[a.severity] - rank[b.severity]);
}

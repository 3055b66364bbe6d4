/** A job in CUPS: how it is sent, and what it is called there. */
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import { JobUuid } from '../../protocol/ids.ts';
import { attributeSyntax } from '../printing/ipp-tables.ts';
import type { AttributeGroup, IppValue } from '../printing/ipp-values.ts';

/**
 * A job's number alone is not enough: after a crash CUPS gives the same numbers again, to other jobs. And it takes a
 * cancel from the job's own user only, whom it does not tell to others.
 */
const Reference = z.tuple([z.int().min(1), JobUuid, z.string().max(255)]);

export interface CupsJob {
  readonly id: number;
  readonly uuid: JobUuid;
  /** Empty where CUPS does not tell. */
  readonly user: string;
}

export function referenceOf({ id, uuid, user }: CupsJob): string {
  return JSON.stringify([id, uuid, user]);
}

/** @throws `not-found` for one that is not ours */
export function readReference(text: string): CupsJob {
  try {
    const [id, uuid, user] = Reference.parse(JSON.parse(text));
    return { id, uuid, user };
  } catch (error) {
    throw new NethoodError('not-found', `${JSON.stringify(text)} is no job of the print system.`, { cause: error });
  }
}

/** When a job is printed is the spool's business, and who it is ours. */
const notForCups = new Set([
  'job-hold-until',
  'job-hold-until-time',
  'job-delay-output-until',
  'job-delay-output-until-time',
]);

/**
 * The job template as CUPS may have it: attributes that the standards know, of the syntax that they give them. All
 * others end as options on the command line of filters, and nothing that a stranger wrote shall get there.
 */
export function templateFor(template: AttributeGroup): AttributeGroup {
  return new Map(
    Array.from(template).filter(
      ([name, values]) => !notForCups.has(name) && values.every((value) => fits(name, value)),
    ),
  );
}

function fits(name: string, value: IppValue): boolean {
  const syntax = attributeSyntax('job-template', name);
  return syntax !== undefined && syntax.tags.includes(value.tag) && isPlain(value);
}

function isPlain(value: IppValue): boolean {
  if (value.tag === 'collection') return Array.from(value.members.values()).flat().every(isPlain);
  return !('value' in value && typeof value.value === 'string') || !control.test(value.value);
}

const control = /\p{Cc}/u;

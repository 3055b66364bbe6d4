/** From the bytes of `config.json` to a configuration, or to one sentence on what is wrong and where. Pure. */
import type { z } from 'zod';
import { schemaFault } from '../protocol/schema-fault.ts';
import { jsonFault } from './json-fault.ts';
import { migrate, newerVersion, type RawConfig } from './migrations.ts';
import { Config, configVersion } from './schema.ts';

export type Parsed = { readonly config: Config } | { readonly problem: string };

/** `file` is how the sentence calls it. */
export function parseConfig(bytes: Uint8Array, file: string): Parsed {
  const text = decode(bytes);
  if (text === undefined) return { problem: `${file} is not text in UTF-8.` };
  if (text.trim() === '') return { problem: `${file} is empty.` };
  const fault = jsonFault(text);
  if (fault !== undefined)
    return { problem: `${file} is not JSON: line ${fault.line}, column ${fault.column}: ${fault.sentence}.` };
  return checkConfig(JSON.parse(text), file);
}

/** A parsed value against the schema of this version, after the migrations. */
export function checkConfig(value: unknown, file: string): Parsed {
  if (!isObject(value)) return { problem: `${file} holds no object.` };
  const newer = newerVersion(value);
  if (newer !== undefined)
    return { problem: `${file} is of version ${newer}, made by a newer nethood; this one knows ${configVersion}.` };
  const result = Config.safeParse(migrate(value));
  if (!result.success) return { problem: `In ${file}, ${sentenceOf(result.error.issues)}` };
  const twin = twinOf(result.data);
  return twin === undefined ? { config: result.data } : { problem: `In ${file}, ${twin}` };
}

/** Without the byte order mark that Windows' editors put first. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // The only failure is a byte that is not UTF-8; the caller names the file.
    return undefined;
  }
}

function isObject(value: unknown): value is RawConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sentenceOf(issues: readonly z.core.$ZodIssue[]): string {
  const [first] = issues;
  if (first === undefined) return 'something is wrong.';
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  if (first.code === 'unrecognized_keys')
    return `"${keyText([...first.path, ...first.keys.slice(0, 1)])}" is unknown${more}.`;
  return `"${keyText(first.path)}" ${schemaFault(first)}${more}.`;
}

/** `shares[0].audience` */
function keyText(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** Two shares of one name or id could not be told apart, nor could their rights. */
function twinOf({ shares, printers }: Config): string | undefined {
  const name = firstTwin(shares.map((share) => share.name));
  if (name !== undefined) return `two shares are called "${name}".`;
  const id = firstTwin(shares.map((share) => share.id));
  if (id !== undefined) return `two shares have the id "${id}".`;
  const queue = firstTwin(printers.map((printer) => printer.queue));
  return queue === undefined ? undefined : `the printer "${queue}" is listed twice.`;
}

function firstTwin(names: readonly string[]): string | undefined {
  return names.find((name, at) => names.indexOf(name) < at);
}

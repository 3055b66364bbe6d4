/** Sentences of the diagnosis and the words that they share. Pure. */
import type { Finding, FindingCode } from '../../protocol/doctor.ts';

export function well(code: FindingCode, message: string): Finding {
  return { code, severity: 'ok', message, advice: null };
}

export function note(code: FindingCode, message: string, advice: string | null): Finding {
  return { code, severity: 'note', message, advice };
}

export function problem(code: FindingCode, message: string, advice: string): Finding {
  return { code, severity: 'problem', message, advice };
}

const mostNamed = 5;

/** `"Anna", "Bob" and 3 more`. */
export function named(names: readonly string[]): string {
  const shown = names.slice(0, mostNamed).map((name) => `"${name}"`);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

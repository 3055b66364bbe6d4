/** `--for`: two words, or devices separated by commas; the agent finds out whom they mean. */
import type { ControlClient } from '../protocol/control-client.ts';
import { NethoodError } from '../protocol/errors.ts';
import type { Audience } from '../protocol/resources.ts';
import { audienceText, type KnownDevices } from './format/audience.ts';

/** @throws NethoodError `usage` */
export function readAudience(text: string): 'everyone' | 'colleagues' | string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const [first] = names;
  if (names.length === 1 && (first === 'everyone' || first === 'colleagues')) return first;
  const word = names.find((name) => name === 'everyone' || name === 'colleagues');
  if (word !== undefined)
    throw new NethoodError('usage', `--for takes either "${word}" or names of devices, not both.`);
  if (names.length === 0) throw new NethoodError('usage', '--for wants everyone, colleagues, or names of devices.');
  return names;
}

/** The sentence that says whom it means in the end. */
export async function describeAudience(agent: ControlClient, audience: Audience): Promise<string> {
  const known: KnownDevices = typeof audience === 'string' ? [] : (await agent.snapshot()).neighbours;
  return audienceText(audience, known);
}

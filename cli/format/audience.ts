/** With whom something is shared, as people say it. Pure. */
import type { Snapshot } from '../../protocol/control.ts';
import { shortId } from '../../protocol/ids.ts';
import type { Audience } from '../../protocol/resources.ts';

export type KnownDevices = readonly Pick<Snapshot['neighbours'][number], 'id' | 'name'>[];

/** `everyone on this network`, `colleagues`, `Anna (k3q7-x2mf) and Bob (…)`. */
export function audienceText(audience: Audience, known: KnownDevices): string {
  if (audience === 'everyone') return 'everyone on this network';
  if (audience === 'colleagues') return 'colleagues';
  const names = audience.map((id) => {
    const name = known.find((device) => device.id === id)?.name;
    return name === undefined ? shortId(id) : `${name} (${shortId(id)})`;
  });
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}

/** Short, for a table. */
export function audienceWord(audience: Audience | null): string {
  if (audience === null) return '';
  if (typeof audience === 'string') return audience;
  return audience.length === 1 ? '1 device' : `${audience.length} devices`;
}

/** What agents say about themselves by DNS-SD (RFC 6763). */
import { z } from 'zod';
import { DeviceId, DisplayName } from './ids.ts';

export const agentServiceType = { name: 'nethood', protocol: 'tcp' } as const;

/** TXT of `_nethood._tcp` (RFC 6763 section 6): who it is and how it calls itself; never what it shares. */
export const AgentTxt = z.object({
  id: DeviceId,
  /** Highest protocol version. */
  v: z.string().regex(/^\d{1,4}$/),
  name: DisplayName,
});
export type AgentTxt = z.infer<typeof AgentTxt>;

/** From the strings of a TXT record: `key=value`, keys without regard to case, the first of a key counts (RFC 6763 6.4). */
export function parseAgentTxt(strings: readonly Uint8Array[]): AgentTxt | undefined {
  const pairs = new Map<string, string>();
  for (const bytes of strings) {
    const text = new TextDecoder().decode(bytes);
    const equals = text.indexOf('=');
    const key = text.slice(0, Math.max(equals, 0)).toLowerCase();
    if (key !== '' && !pairs.has(key)) pairs.set(key, text.slice(equals + 1));
  }
  const result = AgentTxt.safeParse({ id: pairs.get('id'), v: pairs.get('v'), name: pairs.get('name') });
  return result.success ? result.data : undefined;
}

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

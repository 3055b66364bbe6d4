/** The agent of a home, as a client of its API. */
import { readAgentFile } from '../config/agent-file.ts';
import type { Paths } from '../config/paths.ts';
import { ControlClient } from '../protocol/control-client.ts';
import type { AgentFile } from '../protocol/control.ts';
import { loopbackFetch } from './loopback-fetch.ts';

/** @throws NethoodError `no-agent` where no file says where it is */
export async function connect(paths: Paths): Promise<{ file: AgentFile; client: ControlClient }> {
  const file = await readAgentFile(paths.run);
  return { file, client: new ControlClient({ ...file, fetch: loopbackFetch }) };
}

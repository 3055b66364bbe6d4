import { expect, test } from 'vitest';
import { say } from './engine-support.ts';
import { storm, stormRow } from '../sim/mdns-storm.ts';

test(
  'twenty-five agents that start within a second find each other, with few packets',
  { timeout: 60_000 },
  async () => {
    const result = await storm({ agents: 25, seed: 1, startWithinMs: 1_000, steadyForMs: 120_000, sessions: 200 });
    say(stormRow(result));
    expect(result.allSeenMs).toBeLessThanOrEqual(3_000);
    expect(result.peakPackets).toBeLessThan(500);
    expect(result.peakBytes).toBeLessThan(300_000);
    expect(result.steadyPackets).toBeLessThan(result.agents / 10);
  },
);

// `npm run fuzz` is this file with NETHOOD_FUZZ=10000000; NETHOOD_FUZZ_SEED takes another run of luck.
import { expect, test } from 'vitest';
import { fuzzDns } from './dns.ts';

const packets = Number(process.env['NETHOOD_FUZZ'] ?? 200_000);
const firstSeed = Number(process.env['NETHOOD_FUZZ_SEED'] ?? 6_762);
const perSeed = 1_000_000;

test(
  `of ${packets} mutated packets none lets anything but bad-message escape, and none takes 50 ms`,
  () => {
    for (let done = 0, seed = firstSeed; done < packets; done += perSeed, seed++) {
      const result = fuzzDns(Math.min(perSeed, packets - done), seed);
      const { decoded, slowestMs, seconds } = result;
      process.stdout.write(
        `seed ${seed}: ${result.packets} mutated packets, ${decoded} of them decoded, in ${seconds.toFixed(1)} s, ` +
          `slowest ${slowestMs.toFixed(1)} ms\n`,
      );
      expect(decoded).toBeGreaterThan(result.packets / 20);
      expect(slowestMs, `the packet ${result.slowest}`).toBeLessThan(50);
    }
  },
  60_000 + packets,
);

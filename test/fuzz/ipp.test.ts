// `npm run fuzz` is this file, and those beside it, with NETHOOD_FUZZ=10000000; NETHOOD_FUZZ_SEED takes another run of luck.
import { expect, test } from 'vitest';
import { heldMiB } from './heap.ts';
import { fuzzIpp } from './ipp.ts';

const messages = Number(process.env['NETHOOD_FUZZ'] ?? 200_000);
const firstSeed = Number(process.env['NETHOOD_FUZZ_SEED'] ?? 8_010);
const perSeed = Math.min(1_000_000, messages / 2);

test(
  `of ${messages} mutated messages each is taken or refused in 50 ms, none hangs, and no memory is kept`,
  () => {
    let heldAfterFirst: number | undefined;
    for (let done = 0, seed = firstSeed; done < messages; done += perSeed, seed++) {
      const result = fuzzIpp(Math.min(perSeed, messages - done), seed);
      const { taken, slowestMs, seconds } = result;
      const held = heldMiB();
      process.stdout.write(
        `seed ${seed}: ${result.messages} mutated messages, ${taken} of them taken, in ${seconds.toFixed(1)} s, ` +
          `slowest ${slowestMs.toFixed(1)} ms, ${held.toFixed(1)} MiB held\n`,
      );
      // Both ways are well travelled.
      expect(Math.min(taken, result.messages - taken)).toBeGreaterThan(result.messages / 10);
      expect(slowestMs, `the message ${result.slowest}`).toBeLessThan(50);
      // The first run warms up: compiled code, hidden classes.
      heldAfterFirst ??= held;
      expect(held).toBeLessThan(heldAfterFirst + 8);
    }
  },
  60_000 + messages,
);

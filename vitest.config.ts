import { defineConfig } from 'vitest/config';

const integration = ['test/{integration,office}/**/*.test.ts'];

/** These measure what a busy machine changes: packets a second, memory, storms on all processors; */
const measuring = ['large-folder', 'mdns-hostile', 'mdns-many', 'mdns-storm'];
/** and these, with full counts, times beside Avahi's and processor time. */
const timing = ['get-interrupted', 'mdns-idle', 'mdns-times', 'office', 'put-interrupted'];

const long = process.env['NETHOOD_TEST_LONG'] === '1';
const alone = [...measuring, ...(long ? timing : [])].map((name) => `test/integration/${name}.test.ts`);

// `unit` needs nothing but Node: simulated time, small files, loopback. The other two drive real agents, print systems
// and namespaces; most of them wait most of the time, so that several at once share two cores well.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/office/**'],
          testTimeout: 30_000,
          expect: { poll: { timeout: 10_000 } },
          maxWorkers: 2,
          // To load the modules anew for each file takes longer than most files do.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: integration,
          exclude: alone,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // With full counts one by one: what they print is looked at.
          maxWorkers: long ? 1 : 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'alone',
          include: alone,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** What every package's tests share. The JSON report feeds the sum that `pnpm test` prints last. */
const shared: ViteUserConfig = defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    setupFiles: [fileURLToPath(new URL('./vitest.setup.ts', import.meta.url))],
    // A busy machine of two cores is slow, not wrong.
    testTimeout: 90_000,
    expect: { poll: { timeout: 30_000 } },
    // turbo runs as many packages at once as there are cores, so each takes one.
    ...(process.env.TURBO_HASH === undefined ? {} : { maxWorkers: 1 }),
    passWithNoTests: false,
    reporters: ['default', ['json', { outputFile: '.vitest/results.json' }]],
  },
});
export default shared;

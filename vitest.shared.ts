import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** What every package's tests share. The JSON report feeds the sum that `pnpm test` prints last. */
const shared: ViteUserConfig = defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    passWithNoTests: false,
    reporters: ['default', ['json', { outputFile: '.vitest/results.json' }]],
  },
});
export default shared;

/** For a package's vitest.config.ts. The helpers for its tests are in `@ostinato/software-gpu/vitest`. */
export { softwareGpu } from './driver.ts';

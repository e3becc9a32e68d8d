/** A Chromium for tests on any machine, and pages that tell what went wrong in them. */
export { type Chromium, findChromium, howToInstall } from './find.ts';
export { launchChromium } from './launch.ts';
export { unpackedChromium } from './unpack.ts';
export { type LongTask, openPage, screens, type Visit } from './visit.ts';

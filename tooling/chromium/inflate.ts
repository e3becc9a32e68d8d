/** Unpacks npm's Chromium into TMPDIR. Run by unpack.ts as a process of its own, since the package changes its environment. */
import chromium from '@sparticuz/chromium';

await chromium.executablePath();

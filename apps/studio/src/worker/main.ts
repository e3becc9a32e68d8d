/** The worker itself: messages in and out. */
import type { FromWorker, ToWorker } from '../protocol.ts';
import { openBackend } from './backends.ts';
import { createStudio } from './studio.ts';

const studio = createStudio({
  tell: (message: FromWorker) => globalThis.postMessage(message),
  open: openBackend,
  now: () => performance.now(),
});

globalThis.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => studio.hear(data));

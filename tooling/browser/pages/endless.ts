/** Trains until somebody ends the page or the worker that it runs in. */
import { trainForEver } from '../training.ts';

await trainForEver((step) => {
  console.log(`step ${step}`);
  postMessage(step);
});

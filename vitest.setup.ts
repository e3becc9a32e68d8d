/** Every run draws the same cases: a rare case belongs into a test of its own, not into somebody's next run. */
import fc from 'fast-check';

fc.configureGlobal({ seed: 20261121 });

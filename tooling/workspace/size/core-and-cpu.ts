/** The least that computes: core and the plain JavaScript backend. */
import { cpu } from '@ostinato/backend-cpu';
import { add, run, tensor } from '@ostinato/core';

run(cpu(), add(tensor([1, 2]), 3)).then(
  (sum) => console.log(sum.shape),
  (error) => console.error(error),
);

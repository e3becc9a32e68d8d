/** Checks of options that several layers share. */
import { fail } from '@ostinato/core';

/** Sizes must be whole numbers from 1 up. */
export function checkSizes(what: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(sizes))
    if (!Number.isInteger(n) || n < 1)
      fail('option-invalid', `${what}: ${name} is ${n}. Give a whole number from 1 up.`);
}

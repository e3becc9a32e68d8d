/** Checks of options and shapes that several cells share. */
import { fail, type Tensor } from '@ostinato/core';

/** Sizes must be whole numbers from 1 up. */
export function checkSizes(what: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(sizes))
    if (!Number.isInteger(n) || n < 1)
      fail('option-invalid', `${what}: ${name} is ${n}. Give a whole number from 1 up.`);
}

/** An option must be one of its names. */
export function checkChoice(
  what: string,
  name: string,
  value: unknown,
  choices: readonly string[],
): void {
  if (!choices.includes(value as string))
    fail(
      'option-invalid',
      `${what}: ${name} is ${JSON.stringify(value)}. Give one of ${choices.map((c) => `'${c}'`).join(', ')}.`,
    );
}

/** The input of one step must be [batch, inputs]. */
export function checkInput(what: string, x: Tensor, inputs: number): void {
  if (x.rank !== 2 || x.shape[1] !== inputs)
    fail(
      'shape-mismatch',
      `${what}: one step's input is ${x.dtype}[${x.shape}], but the cell was made for ${inputs} inputs. Give recurrent [batch, time, ${inputs}], as returns: 'sequence' does.`,
    );
}

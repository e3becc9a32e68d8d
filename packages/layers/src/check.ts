/** Checks of options and parameters that several layers share. */
import { fail, shown, type Tensor } from '@ostinato/core';

/** Sizes must be whole numbers from 1 up. */
export function checkSizes(what: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(sizes))
    if (!Number.isInteger(n) || n < 1)
      fail('option-invalid', `${what}: ${name} is ${shown(n)}. Give a whole number from 1 up.`);
}

/** Parameters must have the shapes that the layer was made for: others broadcast, and give numbers all the same. */
export function checkParameters<Name extends string>(
  what: string,
  params: Readonly<Record<Name, Tensor | null>>,
  shapes: Readonly<Record<Name, readonly number[] | null>>,
): void {
  for (const name in shapes) {
    const [got, wanted] = [params?.[name], shapes[name]];
    const shape = wanted && `[${wanted}]`;
    if ((got && `[${got.shape}]`) !== shape)
      fail(
        'shape-mismatch',
        `${what}: ${name} is ${got ? `${got.dtype}[${got.shape}]` : got}, but the layer was made for ${shape ?? 'none'}. Give its own parameters.`,
      );
  }
}

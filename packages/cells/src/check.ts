/** Checks of options and shapes that several cells share. */
import { type ErrorCode, fail, shown, type Tensor } from '@ostinato/core';

/** Sizes must be whole numbers from 1 up. */
export function checkSizes(what: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(sizes))
    if (!Number.isInteger(n) || n < 1)
      fail('option-invalid', `${what}: ${name} is ${shown(n)}. Give a whole number from 1 up.`);
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
      `${what}: ${name} is ${shown(value)}. Give one of ${choices.map((c) => `'${c}'`).join(', ')}.`,
    );
}

/** What is lifted to sequences must be a cell: a layer has no steps. */
export function checkCell(what: string, cell: unknown): void {
  for (const name of ['init', 'start', 'step'])
    if (!(cell as Record<string, unknown> | null)?.[name])
      fail('option-invalid', `${what}: the cell has no ${name}. Give one such as lstm(sizes).`);
}

/** A tensor, or none, must be as said: `int32[8]`. One of another shape may broadcast, and give numbers all the same. */
export function checkTensor(
  what: string,
  t: Tensor | null | undefined,
  wanted: string,
  code: ErrorCode = 'shape-mismatch',
): void {
  const got = t ? `${t.dtype}[${t.shape}]` : 'none';
  if (got !== wanted) fail(code, `${what} is ${got}. Give ${wanted}.`);
}

/** Parameters must have the shapes that the cell was made for, and be there where it was made with them. */
export function checkParameters<Name extends string>(
  what: string,
  params: Readonly<Record<Name | 'recurrent', Tensor | null>>,
  shapes: Readonly<Record<Name, readonly number[] | null>>,
): void {
  for (const name in shapes)
    checkTensor(
      `${what}: ${name}`,
      params[name],
      shapes[name] ? `${params.recurrent?.dtype}[${shapes[name]}]` : 'none',
    );
}

/** The input of one step must be [batch, inputs]. */
export function checkInput(what: string, x: Tensor, inputs: number): void {
  const wanted = `${x.dtype}[${x.shape[0]},${inputs}]`;
  checkTensor(`${what}: one step of [batch, time, ${inputs}]`, x, wanted);
}

/** What tests of tensors share: evaluation on the reference backend, and errors checked for code and text. */
import { expect } from 'vitest';
import { type Backend, reference } from '../src/backend/index.ts';
import { type ErrorCode, grad, OstinatoError, run, type Tensor, tensor } from '../src/index.ts';

export const backend: Backend<ArrayBuffer> = reference();

/** Row-major elements. */
export async function valuesOf(t: Tensor, on: Backend<never> | Backend = backend) {
  const y = await run(on, t);
  const { data } = await y.read();
  y.dispose();
  return [...data];
}

/** A float64 tensor of nested numbers. */
export const f64 = (values: Parameters<typeof tensor>[0]): Tensor =>
  tensor(values, { dtype: 'float64' });
export const i32 = (values: Parameters<typeof tensor>[0]): Tensor =>
  tensor(values, { dtype: 'int32' });

/** The gradient of sum-like `f` at `x`, as numbers. */
export const gradientOf = (f: (x: Tensor) => Tensor, x: Tensor): Promise<number[]> =>
  valuesOf(grad((p: Tensor) => f(p))(x));

/** That `f` throws an error of this code, whose text says all of `parts`. */
export async function expectError(
  code: ErrorCode,
  parts: readonly (string | RegExp)[],
  f: () => unknown,
): Promise<OstinatoError> {
  let thrown: unknown;
  try {
    await f();
  } catch (e) {
    thrown = e;
  }
  expect(thrown, `expected an error ${code}`).toBeInstanceOf(OstinatoError);
  const error = thrown as OstinatoError;
  expect(error.code, error.message).toBe(code);
  for (const part of parts) expect(error.message).toMatch(part);
  return error;
}

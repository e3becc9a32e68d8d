/** Chooses how a product is computed, and runs it for each index of the batch. Knows shapes and launches. */
import {
  apply,
  arg,
  type Contract,
  contractAsLoop,
  type Launch,
  type Ref,
} from '@ostinato/core/backend';
import { loopKernel } from '../loop/kernel.ts';
import type { CpuBuffer } from '../memory.ts';
import type { Workspace } from '../workspace.ts';
import { type Multiply, matrixKernel } from './matrix.ts';
import { type MatrixProduct, matrixProduct } from './plan.ts';
import { vectorKernel } from './vector.ts';

/** Up to so many rows, packing the matrix costs more than it saves. */
const fewRows = 4;

export function contractKernel(contract: Contract, workspace: Workspace): Launch<CpuBuffer> {
  const product = matrixProduct(contract);
  if (isElementwise(contract, product))
    return loopKernel(elementwise(contract, product), workspace);
  const multiply =
    (product.rows.size <= fewRows && vectorKernel(product, workspace)) ||
    matrixKernel(product, workspace);
  return launchOf(contract, product, multiply);
}

/** No index belongs to one operand alone, or nothing is summed; and all that is not float32 or is empty. */
const isElementwise = (
  { shape, over, outs }: Contract,
  { rows, columns, depth }: MatrixProduct,
): boolean =>
  outs[0].dtype !== 'float32' ||
  (rows.size === 1 && columns.size === 1) ||
  depth.size === 1 ||
  [...shape, ...over].includes(0);

/** A sum over one element is no sum: that loop is a map. */
function elementwise(
  contract: Contract,
  { depth }: MatrixProduct,
): ReturnType<typeof contractAsLoop> {
  const loop = contractAsLoop(contract);
  if (depth.size !== 1) return loop;
  const rank = contract.shape.length;
  const args = loop.args.map((a) => ({ ...a, strides: a.strides.slice(0, rank) }));
  return { ...loop, over: [], args, body: [apply('mul', arg(0), arg(1))] };
}

function launchOf(
  { args, outs }: Contract,
  { batch, swapped }: MatrixProduct,
  multiply: Multiply,
): Launch<CpuBuffer> {
  const [a, b] = swapped ? [args[1], args[0]] : args;
  const [out] = outs;
  const [batchA, batchB, batchOut] = batch.offsets;
  return (refs) => {
    const refA = refs[a.buffer] as Ref<CpuBuffer>;
    const refB = refs[b.buffer] as Ref<CpuBuffer>;
    const refOut = refs[out.buffer] as Ref<CpuBuffer>;
    const x = refA.buffer.views.float32;
    const y = refB.buffer.views.float32;
    const z = refOut.buffer.views.float32;
    const p = refA.offset / 4 + a.offset;
    const q = refB.offset / 4 + b.offset;
    const r = refOut.offset / 4 + out.offset;
    for (let i = 0; i < batch.size; i++) {
      const pi = p + (batchA[i] as number);
      const qi = q + (batchB[i] as number);
      multiply(x, pi, y, qi, z, r + (batchOut[i] as number));
    }
  };
}

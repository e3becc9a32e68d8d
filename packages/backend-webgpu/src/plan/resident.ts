/**
 * Which weights of a persistent scan stay in workgroup memory for all its steps: in what carries and values between
 * instructions leave of it. Sizes of features alone decide. Knows layouts; emits nothing.
 */
import type { Rows, Scan } from '@ostinato/core/backend';
import type { Places } from '../kernels/product.ts';
import { type RowProduct, rowProductOf } from '../kernels/row-product.ts';
import { sizeOfAll } from '../kernels/space.ts';
import { inSlots } from './scope.ts';

/** A weight, as one product or several read it, and how many steps of their depth are resident. */
export interface ResidentPlan {
  readonly product: RowProduct;
  /** Which of the body's instructions. */
  readonly users: readonly number[];
  readonly depth: number;
}

/** What of a weight must fit at least: memory that is taken here is taken from other workgroups. */
const LEAST_PART = 1 / 4;

export interface ResidentWeights {
  readonly weights: readonly ResidentPlan[];
  /** Elements that they are, of all those that products read again in every step. */
  readonly elements: number;
  readonly of: number;
}

/** `room`: elements of workgroup memory that are free. */
export function planResident(scan: Scan, rows: Rows, place: Places, room: number): ResidentWeights {
  const candidates = candidatesOf(scan, rows, place);
  // Each element saves one read per step and user, so that memory is best spent on what most products read.
  const worth = ({ users, product }: Candidate): number => users.length * sizeOf(product);
  let free = room;
  const weights = candidates
    .toSorted((a, b) => worth(b) - worth(a))
    .flatMap(({ product, users }) => {
      const depth = depthThatFits(product, free);
      free -= roomOf(product, depth);
      return depth === 0 ? [] : [{ product, users, depth }];
    });
  const sum = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b, 0);
  return {
    weights,
    elements: sum(weights.map(({ product, depth }) => widthOf(product) * depth)),
    of: sum(candidates.map(({ product }) => sizeOf(product))),
  };
}

interface Candidate {
  readonly product: RowProduct;
  readonly users: number[];
}

function candidatesOf(scan: Scan, rows: Rows, place: Places): Candidate[] {
  const consts = new Set(scan.body.inputs.slice(0, scan.consts.length));
  const found = new Map<string, Candidate>();
  scan.body.code.forEach((instr, k) => {
    if (instr.kind !== 'contract') return;
    const product = rowProductOf(inSlots(scan.body, instr), rows.axis[k] ?? null, place);
    if (product?.depth.length !== 1 || !consts.has(product.weight.slot)) return;
    const walk = [...product.columns, ...product.depth].map((a) => [a.size, a.strides[1]]);
    const { slot, offset } = product.weight;
    const key = `${slot} ${offset} ${product.columns.length} ${walk.join(' ')}`;
    const known = found.get(key);
    if (known) known.users.push(k);
    else found.set(key, { product, users: [k] });
  });
  return [...found.values()];
}

const widthOf = ({ columns }: RowProduct): number => sizeOfAll(columns);
const sizeOf = (product: RowProduct): number => widthOf(product) * sizeOfAll(product.depth);

/** An array takes multiples of 16 bytes. */
const roomOf = (product: RowProduct, depth: number): number =>
  Math.ceil((widthOf(product) * depth) / 4) * 4;

/** All of the depth, or a part in fours that is worth it; 0 where neither fits. */
function depthThatFits(product: RowProduct, room: number): number {
  const all = sizeOfAll(product.depth);
  if (roomOf(product, all) <= room) return all;
  const part = Math.floor(room / widthOf(product) / 4) * 4;
  return part >= all * LEAST_PART ? part : 0;
}

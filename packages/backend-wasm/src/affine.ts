/**
 * Products of a time loop with what is only added to them: their sum is formed in registers, from the biases on, and the
 * maps that read it have one window where there were four. Its functions; passes/absorb.ts finds such sums, contract/ has
 * the arithmetic.
 */
import {
  argsOfInstr,
  type Contract,
  type Instr,
  type Operand,
  outsOfInstr,
  type Scan,
} from '@ostinato/core/backend';
import { emitAffine, planAffine } from './contract/affine.ts';
import type { ContractPlan } from './contract/plan.ts';
import { type Packing, type Prepared, packOperands, rangeOf, type Setting } from './instruction.ts';
import type { Machine, ModuleBuilder } from './module-builder.ts';
import { LONG, type Target } from './target.ts';

/** out = the first product + further ones + biases, which have no rows. All buffers are the first one's. */
export interface Affine extends Contract {
  readonly products: readonly Contract[];
  readonly biases: readonly Operand[];
  /** Added to what the out holds. */
  readonly onto: boolean;
}

/** What an instruction reads, be it such a sum or not. */
export function readsOf(i: Instr): readonly Operand[] {
  const { products = [], biases = [], onto = false } = i as Partial<Affine>;
  const held = onto ? outsOfInstr(i) : [];
  return [...argsOfInstr(i), ...products.flatMap((p) => p.args), ...biases, ...held];
}

/** Products are paired in one function where each of them could be by itself. */
export const targetOf = ({ target, pairs }: Machine, products: readonly Contract[]): Target => ({
  ...target,
  paired: products.every((p) => pairs?.(p) ?? false),
});

/** Plans of a sum in a time loop: alone, and where threads share this axis; undefined where one of them has none. */
export function plansInScan(
  { body, consts }: Scan,
  products: readonly Contract[],
  axis: number | null,
  machine: Machine,
): readonly (readonly ContractPlan[])[] | undefined {
  const { extras } = machine;
  const constants = new Set(body.inputs.slice(0, consts.length));
  const target = targetOf(machine, products);
  const ranges = axis === null ? [undefined] : [undefined, axis];
  const plans = ranges.flatMap((rangeAxis) => {
    const plan = planAffine(products, target, { constants, rangeAxis, extras });
    return plan ? [plan] : [];
  });
  return plans.length === ranges.length ? plans : undefined;
}

/** The functions of such a sum. */
export function prepareAffine(
  module: ModuleBuilder,
  affine: Affine,
  name: string,
  params: readonly string[],
  setting: Setting,
): Prepared {
  const { extras } = module.machine;
  const products = [affine, ...affine.products];
  const target = targetOf(module.machine, products);
  const { constants, range, scan } = setting;
  const plans = planAffine(products, target, {
    constants,
    rangeAxis: range?.axis ?? undefined,
    extras,
  });
  if (!plans) throw new Error(`${name}: the products of a sum have other plans than before`);
  const packings = plans.map(
    (plan, k): Packing =>
      packOperands(module, products[k] as Contract, plan, `${name}_${k}`, setting),
  );
  const main = module.define(name, params, target.paired, (f, p) => {
    const packed = packings.map((packing) => packing.packed(f, p));
    const { biases, onto } = affine;
    const far = scan ? farPlans(affine, plans, scan) : [];
    emitAffine(f, plans, p, { packed, biases, onto, far, range: rangeOf(setting, p) });
  });
  return { main, packs: packings.flatMap((packing) => packing.packs) };
}

/**
 * Those whose rows no near cache has: steps of stacks that leave the second one, unless an instruction before has read
 * the step.
 */
export function farPlans(
  affine: Affine,
  plans: readonly ContractPlan[],
  { body, consts, init, xs, length }: Scan,
): readonly ContractPlan[] {
  const inputs = body.inputs.slice(consts.length + init.length);
  const before = body.code.slice(0, body.code.indexOf(affine)).flatMap(readsOf);
  return plans.filter(({ swapped }, k) => {
    const { args } = [affine, ...affine.products][k] as Contract;
    const { slot } = args[swapped ? 1 : 0];
    const x = xs[inputs.indexOf(slot)];
    if (!x || before.some((o) => o.slot === slot)) return false;
    // Where a batch comes first, its rows are as long as the stack, and its steps side by side.
    const { size } = body.slots[slot] as { size: number };
    return 4 * Math.max(size, length * Math.abs(x.strides[0] as number)) >= LONG;
  });
}

/**
 * Products of a time loop with what is only added to them: their sum is formed in registers, from the biases on, and the
 * maps that read it have one window where there were four. Its functions; passes/absorb.ts finds such sums, contract/ has
 * the arithmetic.
 */
import { argsOfInstr, type Contract, type Instr, type Operand } from '@ostinato/core/backend';
import { emitAffine, planAffine } from './contract/affine.ts';
import { type Packing, type Prepared, packOperands, rangeOf, type Setting } from './instruction.ts';
import type { Machine, ModuleBuilder } from './module-builder.ts';
import type { Target } from './target.ts';

/** out = the first product + further ones + biases, which have no rows. All buffers are the first one's. */
export interface Affine extends Contract {
  readonly products: readonly Contract[];
  readonly biases: readonly Operand[];
}

/** What an instruction reads, be it such a sum or not. */
export function readsOf(i: Instr): readonly Operand[] {
  const { products = [], biases = [] } = i as Partial<Affine>;
  return [...argsOfInstr(i), ...products.flatMap((p) => p.args), ...biases];
}

/** Products are paired in one function where each of them could be by itself. */
export const targetOf = ({ target, pairs }: Machine, products: readonly Contract[]): Target => ({
  ...target,
  paired: products.every((p) => pairs?.(p) ?? false),
});

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
  const { constants, range } = setting;
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
    emitAffine(f, plans, p, { packed, biases: affine.biases, range: rangeOf(setting, p) });
  });
  return { main, packs: packings.flatMap((packing) => packing.packs) };
}

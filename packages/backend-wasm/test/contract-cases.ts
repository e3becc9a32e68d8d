/** Products laid out in every way, and how a test runs them: in a module of their own, with canaries around the out. */
import { type Contract, hostMemory, type Operand, referenceKernels } from '@ostinato/core/backend';
import { FunctionBuilder, type Local } from '../src/assembler/function.ts';
import type { i32 } from '../src/assembler/instructions.ts';
import { encodeModule } from '../src/assembler/module.ts';
import {
  type ContractPlan,
  emitPack,
  emitProduct,
  type PlanOptions,
  planContract,
} from '../src/contract/index.ts';
import * as extras from '../src/extras.ts';
import type { Target } from '../src/target.ts';

/** Which operands have an axis, and whether it is summed. */
export interface AxisOf {
  readonly size: number;
  readonly where: 'a' | 'b' | 'both' | 'neither';
  readonly over: boolean;
}

/** One operand: its axes from the innermost out, a gap after one of them, the directions, and where it begins. */
export interface Layout {
  readonly order: readonly number[];
  readonly gap: number;
  readonly backwards: readonly boolean[];
}

export interface Case {
  readonly contract: Contract;
  /** Elements of a, b and the out. */
  readonly sizes: readonly [number, number, number];
}

export function makeCase(
  axes: readonly AxisOf[],
  layouts: readonly [Layout, Layout, Layout],
): Case {
  const sorted = [...axes.filter((a) => !a.over), ...axes.filter((a) => a.over)];
  const shape = sorted.filter((a) => !a.over).map((a) => a.size);
  const over = sorted.filter((a) => a.over).map((a) => a.size);
  const has = [
    (a: AxisOf) => a.where === 'a' || a.where === 'both',
    (a: AxisOf) => a.where === 'b' || a.where === 'both',
    (a: AxisOf) => !a.over,
  ];
  const laid = layouts.map((layout, k) => {
    const strides = sorted.map(() => 0);
    let offset = 3;
    let step = 1;
    layout.order.forEach((axis, position) => {
      const { size } = sorted[axis] as AxisOf;
      if (!has[k]?.(sorted[axis] as AxisOf)) return;
      const back = layout.backwards[axis] ?? false;
      strides[axis] = back ? -step : step;
      if (back) offset += step * (size - 1);
      step = step * size + (position === 0 ? layout.gap : 0);
    });
    const operand: Operand = {
      slot: k,
      buffer: k,
      dtype: 'float32',
      offset,
      strides: k === 2 ? strides.slice(0, shape.length) : strides,
    };
    return { operand, size: step + 6 };
  });
  const [a, b, out] = laid.map((l) => l.operand) as [Operand, Operand, Operand];
  return {
    contract: {
      kind: 'contract',
      buffers: [0, 1, 2].map((index) => ({
        source: 'slot',
        index,
        access: index === 2 ? 'write' : 'read',
      })),
      shape,
      over,
      args: [a, b],
      outs: [out],
    },
    sizes: laid.map((l) => l.size) as [number, number, number],
  };
}

export function random(n: number, seed: number): Float32Array<ArrayBuffer> {
  let s = seed >>> 0;
  return Float32Array.from({ length: n }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 31 - 1;
  });
}

export interface Compiled {
  readonly plan: ContractPlan;
  /** Cut points of the range; none: the whole without a range. Gives the whole buffer of the out. */
  run(a: Float32Array, b: Float32Array, cuts?: readonly number[]): Float32Array;
}

export const canary = -12345.5;

export type Compile = (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;
const compilePlainly: Compile = (bytes) => new WebAssembly.Module(bytes);

/** Functions `pack`, `whole` and `part`, of the addresses of a, b, the out, two packed operands and the scratch. */
export function productFunctions(plan: ContractPlan) {
  const names = ['a', 'b', 'out', 'packed_a', 'packed_b', 'scratch'];
  const define = (name: string, ranged: boolean, body: 'pack' | 'product') => {
    const f = new FunctionBuilder(name);
    const p = names.map((n) => f.param('i32', n));
    const range = ranged ? { first: f.param('i32', 'first'), count: f.param('i32', 'rows') } : null;
    const [packedA, packedB, scratch] = p.slice(3).map((l) => f.get(l)) as [
      ReturnType<typeof i32.const>,
      ReturnType<typeof i32.const>,
      ReturnType<typeof i32.const>,
    ];
    if (body === 'pack') {
      const from = f.get(p[plan.b.buffer] as Local<'i32'>);
      if (plan.packA > 0) emitPack(f, plan, from, { to: packedA, extras });
      if (plan.packB > 0) emitPack(f, plan, from, { to: packedB, extras });
    } else {
      const packed = { a: packedA, b: packedB, scratch, extras };
      if (range) emitProduct(f, plan, p.slice(0, 3), packed, range);
      else emitProduct(f, plan, p.slice(0, 3), packed);
    }
    return f.finish();
  };
  return [
    define('pack', false, 'pack'),
    define('whole', false, 'product'),
    define('part', true, 'product'),
  ];
}

export function compileCase(
  { contract, sizes }: Case,
  target: Target,
  options: PlanOptions = {},
  compile = compilePlainly,
): Compiled {
  const plan = planContract(contract, target, { ...options, extras });
  const bytes = [...sizes.map((n) => 4 * n), plan.packA, plan.packB, plan.scratch];
  const places: number[] = [];
  // The out is not first: before it lie canaries.
  let end = 0;
  for (const n of bytes) {
    places.push(end);
    end = Math.ceil((end + n) / 64) * 64 + 64;
  }
  // Now from the first byte of the memory, now to the last: what reads outside its operand traps.
  const pages = Math.ceil(end / 65536);
  const last = places.at(-1) as number;
  const shift = sizes[0] % 2 === 0 ? 0 : pages * 65536 - last - (bytes.at(-1) as number);
  const at = places.map((p) => p + Math.floor(shift / 4) * 4);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const functions = productFunctions(plan);
  const module = compile(
    encodeModule(functions, { shared: false, minimum: pages, maximum: pages }),
  );
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const call = exports as Record<string, (...args: number[]) => void>;
  const floats = (k: number): Float32Array =>
    new Float32Array(memory.buffer, at[k], (bytes[k] as number) / 4);
  return {
    plan,
    run(a, b, cuts) {
      // NaN everywhere: what is read but not written cannot go unseen.
      new Uint8Array(memory.buffer).fill(0xff);
      floats(0).set(a);
      floats(1).set(b);
      const guarded = new Float32Array(memory.buffer, (at[2] as number) - 32, (sizes[2] ?? 0) + 16);
      guarded.fill(canary);
      call.pack?.(...at);
      if (!cuts) call.whole?.(...at);
      else {
        const all = [0, ...cuts, plan.range.size];
        for (const [k, end] of all.slice(1).entries())
          call.part?.(...at, all[k] as number, end - (all[k] as number));
      }
      if (
        guarded.slice(0, 8).some((x) => x !== canary) ||
        guarded.slice(-8).some((x) => x !== canary)
      )
        throw new Error('canary: something wrote outside the out.');
      return floats(2).slice();
    },
  };
}

/** What the reference says, and the sums of |a| |b| that bound the rounding. */
export function expected(
  { contract, sizes }: Case,
  a: Float32Array,
  b: Float32Array,
): {
  value: Float32Array;
  bound: Float32Array;
} {
  const run = (x: Float32Array, y: Float32Array): Float32Array => {
    const memory = hostMemory();
    const refs = [x, y, new Float32Array(sizes[2]).fill(canary)].map((data) => {
      const buffer = memory.alloc(data.byteLength);
      new Float32Array(buffer).set(data);
      return { buffer, offset: 0 };
    });
    referenceKernels().contract(contract)(refs);
    return new Float32Array((refs[2] as { buffer: ArrayBuffer }).buffer).slice(0, sizes[2]);
  };
  return { value: run(a, b), bound: run(a.map(Math.abs), b.map(Math.abs)) };
}

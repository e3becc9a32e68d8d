/**
 * A loop's body as a list of steps on registers: each expression once, in order, each register reused as soon as its
 * value is dead. Knows expressions and which windows are the same place; knows no shapes.
 */
import {
  type DType,
  type Expr,
  exprOrder,
  type Loop,
  type Operand,
  scalarOps,
} from '@ostinato/core/backend';
import { casts, copies } from './casts.ts';
import { floatOps } from './float-ops.ts';
import { intOps } from './int-ops.ts';
import type { Op } from './op.ts';
import { boolOps, unsignedOps } from './unsigned-ops.ts';

/** Where a value is: read from an arg or an axis' index, a constant, a register, or written straight to an out. */
export type Place =
  | {
      readonly kind: 'arg' | 'axis' | 'out' | 'register';
      readonly index: number;
      readonly dtype: DType;
    }
  | { readonly kind: 'constant'; readonly value: number; readonly dtype: DType };

export interface Step {
  readonly op: Op;
  readonly output: Place;
  readonly inputs: readonly Place[];
}

export interface Tape {
  readonly steps: readonly Step[];
  /** Where the value of each body is after the last step; of a map all are in their outs. */
  readonly results: readonly Place[];
  readonly registers: number;
}

/** A value: a leaf's place, or an op on earlier values. */
type Value =
  | { readonly dtype: DType; readonly leaf: Place }
  | { readonly dtype: DType; readonly op: Op; readonly inputs: readonly number[] };

export function makeTape(loop: Loop): Tape {
  const { values, roots } = distinctValues(loop);
  const isMap = loop.over.length === 0;
  const plan = isMap ? planStores(loop, values, roots) : { early: new Map(), late: [], first: [] };
  return allocate(values, roots, plan, isMap ? loop.outs : []);
}

/** Each value once, inputs before what uses them; equal expressions become one. */
function distinctValues(loop: Loop): { values: Value[]; roots: number[] } {
  const values: Value[] = [];
  const known = new Map<string, number>();
  const ids = new Map<Expr, number>();
  const add = (key: string, make: () => Value): number => {
    const id = known.get(key) ?? values.push(make()) - 1;
    known.set(key, id);
    return id;
  };
  const leaf = (place: Place): number =>
    add(JSON.stringify(place, exactNumbers), () => ({ dtype: place.dtype, leaf: place }));
  for (const x of exprOrder(loop.body)) {
    if (x.op === 'arg') {
      const { dtype } = loop.args[x.index] as Operand;
      ids.set(x, leaf({ kind: 'arg', index: x.index, dtype }));
    } else if (x.op === 'axis') {
      ids.set(x, leaf({ kind: 'axis', index: x.axis, dtype: 'int32' }));
    } else if (x.op === 'const') {
      ids.set(x, leaf({ kind: 'constant', value: x.value, dtype: x.dtype }));
    } else {
      const inputs = x.args.map((a) => ids.get(a) as number);
      const from = (values[inputs.at(-1) as number] as Value).dtype;
      const name = x.op === 'cast' ? `cast ${x.dtype}` : x.op;
      const boolean = x.op !== 'cast' && scalarOps[x.op].result === 'bool';
      const dtype = x.op === 'cast' ? x.dtype : boolean ? 'bool' : from;
      ids.set(
        x,
        add(`${name} ${inputs}`, () => ({ dtype, op: opFor(x, from), inputs })),
      );
    }
  }
  return { values, roots: loop.body.map((x) => ids.get(x) as number) };
}

/** JSON has no text for -0, NaN and infinities. */
const exactNumbers = (_: string, x: unknown): unknown =>
  typeof x === 'number' ? (Object.is(x, -0) ? '-0' : String(x)) : x;

const tables = { float32: floatOps, int32: intOps, uint32: unsignedOps, bool: boolOps };

/** `dtype` is the type of the (last) argument. Core's types rule out what is missing here. */
function opFor(x: Exclude<Expr, { op: 'arg' | 'const' | 'axis' }>, dtype: DType): Op {
  const from = dtype as keyof typeof tables;
  const op = x.op === 'cast' ? casts[from][x.dtype as keyof typeof tables] : tables[from][x.op];
  if (!op) throw new TypeError(`cpu: ${x.op} does not take ${dtype}. Cast its arguments first.`);
  return op;
}

/**
 * How a map's results reach their outs. `early`: value to the out that its step writes at once. `late`: outs copied
 * after all steps. `first`: leaves to copy to registers before all steps, because an out overwrites them.
 */
interface Stores {
  readonly early: ReadonlyMap<number, number>;
  readonly late: readonly number[];
  readonly first: readonly number[];
}

function planStores(loop: Loop, values: readonly Value[], roots: readonly number[]): Stores {
  const early = new Map<number, number>();
  const late: number[] = [];
  const overwritten = (v: number, by: number): boolean => {
    const value = values[v] as Value;
    return 'leaf' in value && value.leaf.kind === 'arg'
      ? samePlace(loop.args[value.leaf.index] as Operand, loop.outs[by] as Operand)
      : false;
  };
  roots.forEach((root, k) => {
    const isLeaf = 'leaf' in (values[root] as Value);
    // Values are in the order of their steps: a later one that reads an arg in this place must find it untouched.
    const tooEarly = values.some(
      (v, at) => at > root && 'inputs' in v && v.inputs.some((i) => overwritten(i, k)),
    );
    if (isLeaf || tooEarly || early.has(root)) late.push(k);
    else early.set(root, k);
  });
  const first = [...new Set(late.map((k) => roots[k] as number))].filter((root) =>
    loop.outs.some((_, k) => roots[k] !== root && overwritten(root, k)),
  );
  return { early, late, first };
}

const samePlace = (a: Operand, b: Operand): boolean =>
  a.buffer === b.buffer && a.offset === b.offset;

function allocate(
  values: readonly Value[],
  roots: readonly number[],
  stores: Stores,
  outs: readonly Operand[],
): Tape {
  const isMap = outs.length > 0;
  const lastUse = values.map(() => -1);
  values.forEach((v, at) => {
    if ('inputs' in v) for (const i of v.inputs) lastUse[i] = at;
  });
  for (const root of isMap ? stores.late.map((k) => roots[k] as number) : roots)
    lastUse[root] = values.length;

  const steps: Step[] = [];
  const places: Place[] = [];
  const free: number[] = [];
  let registers = 0;
  const take = (dtype: DType): Place => ({
    kind: 'register',
    index: free.pop() ?? registers++,
    dtype,
  });
  const copy = (from: Place, output: Place): void => {
    steps.push({ op: copies[from.dtype as keyof typeof copies], output, inputs: [from] });
  };
  const outPlace = (index: number): Place => {
    const { dtype } = outs[index] as Operand;
    return { kind: 'out', index, dtype };
  };

  values.forEach((v, at) => {
    if ('leaf' in v) {
      places[at] = v.leaf;
      if (!stores.first.includes(at)) return;
      places[at] = take(v.dtype);
      copy(v.leaf, places[at] as Place);
    }
  });
  values.forEach((v, at) => {
    if ('leaf' in v) return;
    const inputs = v.inputs.map((i) => places[i] as Place);
    new Set(v.inputs).forEach((i) => {
      const place = places[i] as Place;
      if (place.kind === 'register' && lastUse[i] === at) free.push(place.index);
    });
    const out = stores.early.get(at);
    // A value may be computed in the register of an input that dies here: each element is read before it is written.
    const output = out === undefined ? take(v.dtype) : outPlace(out);
    if (output.kind === 'register' && lastUse[at] === -1) free.push(output.index);
    places[at] = output;
    steps.push({ op: v.op, output, inputs });
  });
  for (const k of stores.late) copy(places[roots[k] as number] as Place, outPlace(k));
  return { steps, results: roots.map((r) => places[r] as Place), registers };
}

/**
 * A loop's body at a few vectors of points. Knows windows, their strides along the vectors, and what was computed
 * further outside; knows no loops.
 */
import type { Operand, ScalarOp } from '@ostinato/core/backend';
import { i32, type Value, v128 } from '../assembler/instructions.ts';
import { type Extras, need } from '../need.ts';
import type { LoopAxis, Plan } from './axes.ts';
import { quotients } from './gates.ts';
import type { Graph, Node } from './graph.ts';
import { floats, type Kit, type V } from './kit.ts';
import type { Nest, Place } from './nest.ts';
import type { Stored } from './ops.ts';
import { type Emit, plainOps } from './plain.ts';

/**
 * What of a loop a function runs. V8's pairs of vectors are only right where all vectors of a function are in pairs (see
 * pairing.ts), so what stays over along the vectors is left to another function.
 */
export type Part = 'whole' | 'pairs' | 'rest';

/** A loop under construction. */
export interface Kernel {
  readonly kit: Kit;
  readonly graph: Graph;
  readonly plan: Plan;
  readonly nest: Nest;
  readonly part: Part;
  readonly extras: Extras | undefined;
}

export type Lanes = 1 | 2 | 3 | 4;

/** How many points at once: vectors, of which each has this many lanes (fewer than four: the rest of a row). */
export interface Extent {
  readonly vectors: number;
  readonly lanes: Lanes;
}

export class Points {
  readonly #kernel: Kernel;
  readonly extent: Extent;
  readonly #outside: Points | undefined;
  readonly #known = new Map<number, V>();

  /** `outside`: points of an enclosing loop, whose values are used where they are known. */
  constructor(kernel: Kernel, extent: Extent, outside?: Points) {
    this.#kernel = kernel;
    this.extent = extent;
    this.#outside = outside;
  }

  /** Computes, once for all iterations, what is the same along these axes and used by what is not. */
  hoist(axes: readonly LoopAxis[]): this {
    const { graph } = this.#kernel;
    const varies = variesAlong(this.#kernel, axes);
    const used = new Set(graph.roots);
    graph.nodes.forEach((n, k) => {
      if (n.kind === 'op' && varies[k]) for (const input of n.inputs) used.add(input);
    });
    for (const k of used)
      if (!varies[k] && graph.nodes[k]?.kind !== 'const' && !this.#outside?.find(k))
        this.#keep(k, this.of(k));
    return this;
  }

  /** The value of each vector; a single one where all are the same. */
  of(k: number): V {
    const known = this.find(k);
    if (known) return known;
    const made = this.#make(this.#kernel.graph.nodes[k] as Node);
    const shared = made.length < this.extent.vectors;
    return shared || (this.#kernel.graph.uses[k] as number) > 1 ? this.#keep(k, made) : made;
  }

  /** Stores every out, each as soon as it is known. */
  storeAll(): void {
    const { graph, plan } = this.#kernel;
    plan.windows.forEach((w, at) => {
      if (w.kind !== 'out') return;
      const root = graph.roots[w.index] as number;
      const values = this.of(root);
      const several = this.extent.vectors > 1;
      const kept = several ? this.#kernel.kit.keep('y', values) : values;
      this.#readBefore(w.operand);
      this.store(at, kept);
    });
  }

  /** Stores vectors, or one for all, to an out: the last one first, as pairs want it (pairing.ts). */
  store(window: number, values: V): void {
    const { f } = this.#kernel.kit;
    const w = this.#kernel.plan.windows[window] as Plan['windows'][number];
    const bool = w.kind !== 'axis' && w.operand.dtype === 'bool';
    const stride = this.#stride(window);
    for (let v = this.extent.vectors - 1; v >= 0; v--) {
      const value = at(values, v);
      const out = bool ? v128.bits('and', value, ...this.#kernel.kit.int(1)) : value;
      const { lanes } = this.extent;
      if (stride === 1 && lanes === 4) {
        const [address, offset] = this.#address(window, 16 * v);
        f.store('v128.store', address, out, offset);
        continue;
      }
      const kept = lanes === 1 ? out : this.#kernel.kit.keepOne('y', out);
      for (let lane = 0; lane < lanes; lane++) {
        const two = stride === 1 && lane === 0 && lanes > 1;
        const [address, offset] = this.#address(window, (16 * v + 4 * lane) * stride);
        f.do(two ? 'v128.store64_lane' : 'v128.store32_lane', [address, kept], [offset, lane]);
        if (two) lane++;
      }
    }
  }

  find(k: number): V | undefined {
    return this.#outside?.find(k) ?? this.#known.get(k);
  }

  #keep(k: number, values: V): V {
    const name = nameOf(this.#kernel.graph.nodes[k] as Node);
    const kept = this.#kernel.kit.keep(name, values);
    this.#known.set(k, kept);
    return kept;
  }

  /** An out may be the very window of an arg: what is still to be read there is read now. */
  #readBefore({ buffer, offset }: Operand): void {
    const { nodes } = this.#kernel.graph;
    for (const w of this.#kernel.plan.windows) {
      if (w.kind !== 'arg' || w.operand.buffer !== buffer || w.operand.offset !== offset) continue;
      const k = nodes.findIndex((n) => n.kind === 'arg' && n.arg === w.index);
      if (!this.find(k)) this.#keep(k, this.#make(nodes[k] as Node));
    }
  }

  #make(n: Node): V {
    const { kit, graph, plan } = this.#kernel;
    switch (n.kind) {
      case 'const':
        return constant(kit, n.dtype, n.value);
      case 'axis':
        return this.#index(windowOf(plan, n));
      case 'arg':
        return this.#load(windowOf(plan, n), n.dtype);
      case 'op': {
        if (n.op === 'mul' && n.inputs.every((k) => this.#quotient(k))) {
          const [[a, b], [c, d]] = n.inputs.map((k) => this.#quotient(k)?.()) as [[V, V], [V, V]];
          return floats('div', floats('mul', a, c), floats('mul', b, d));
        }
        const inputs = n.inputs.map((k) => this.of(k));
        const known = n.inputs.map((k) => {
          const input = graph.nodes[k] as Node;
          return input.kind === 'const' ? input.value : undefined;
        });
        return emitOf(n, this.#kernel.extras)(kit, inputs, known);
      }
    }
  }

  /** Of a value that is one, and has no other use. */
  #quotient(k: number): (() => readonly [V, V]) | undefined {
    const { graph, kit } = this.#kernel;
    const n = graph.nodes[k] as Node;
    if (n.kind !== 'op' || graph.uses[k] !== 1 || this.find(k)) return undefined;
    const parts = quotients[n.op as keyof typeof quotients];
    return parts && (() => parts(kit, this.of(n.inputs[0] as number)));
  }

  #index(window: number): V {
    const { kit, nest } = this.#kernel;
    const { cursor } = nest.places[window] as Place;
    const first = v128.splat(kit.f.get(cursor.local));
    if (this.#stride(window) === 0) return [first];
    const start = kit.keepOne('index', first);
    return Array.from({ length: this.extent.vectors }, (_, v) =>
      v128.i32x4('add', start, ...kit.ints(4 * v, 4 * v + 1, 4 * v + 2, 4 * v + 3)),
    );
  }

  #load(window: number, dtype: Node['dtype']): V {
    const stride = this.#stride(window);
    const vectors = stride === 0 ? 1 : this.extent.vectors;
    return Array.from({ length: vectors }, (_, v) => {
      const value = this.#loadVector(window, stride, v);
      // 1 and 0 in memory, all bits and none here.
      return dtype === 'bool' ? v128.i32x4('neg', value) : value;
    });
  }

  #loadVector(window: number, stride: number, v: number): Value<'v128'> {
    const { lanes } = this.extent;
    const from = (lane: number): [Value<'i32'>, number] =>
      this.#address(window, (16 * v + 4 * lane) * stride);
    if (stride === 0) return v128.loadSplat(...from(0));
    if (lanes === 4 && stride === 1) return v128.load(...from(0));
    if (lanes === 4 && stride === -1) {
      const backwards = this.#kernel.kit.keepOne('backwards', v128.load(...from(3)));
      return v128.shuffle(backwards, backwards, [3, 2, 1, 0]);
    }
    const two = stride === 1 && lanes > 1;
    const [address, offset] = from(0);
    let out = v128.loadZero(address, two ? 2 : 1, offset);
    for (let lane = two ? 2 : 1; lane < lanes; lane++) {
      const [next, bytes] = from(lane);
      out = v128.loadLane(next, out, lane, bytes);
    }
    return out;
  }

  #stride(window: number): number {
    return this.#kernel.plan.vector.strides[window] as number;
  }

  /** An address with an offset that is not negative, as instructions want it. */
  #address(window: number, bytes: number): [Value<'i32'>, number] {
    const { cursor, offset } = this.#kernel.nest.places[window] as Place;
    const local = this.#kernel.kit.f.get(cursor.local);
    const total = offset + bytes;
    return total < 0 ? [i32.add(local, total), 0] : [local, total];
  }
}

function emitOf({ op, ...n }: Extract<Node, { kind: 'op' }>, extras: Extras | undefined): Emit {
  const from = n.from as Stored;
  const plain = (plainOps as { readonly [Op in ScalarOp | 'cast']?: Emit })[op];
  if (plain && from === 'float32') return plain;
  const { casts, ops } = need(extras);
  const emit = op === 'cast' ? casts[from][n.dtype as Stored] : ops[from][op];
  if (!emit) throw new TypeError(`wasm: ${op} does not take ${n.from}. Cast it first.`);
  return emit;
}

const at = (values: V, k: number): Value<'v128'> => (values[k] ?? values[0]) as Value<'v128'>;

function constant(kit: Kit, dtype: Node['dtype'], value: number): V {
  if (dtype === 'float32') return kit.float(value);
  // NaN is not 0: it is true.
  return kit.int(dtype === 'bool' ? (value === 0 ? 0 : -1) : value);
}

/** Which values differ from point to point along any of these axes. */
function variesAlong({ graph, plan }: Kernel, axes: readonly LoopAxis[]): boolean[] {
  const varies: boolean[] = [];
  for (const n of graph.nodes) {
    if (n.kind === 'op') varies.push(n.inputs.some((k) => varies[k]));
    else if (n.kind === 'const') varies.push(false);
    else {
      const window = windowOf(plan, n);
      varies.push(axes.some((a) => a.strides[window] !== 0));
    }
  }
  return varies;
}

function windowOf({ windows }: Plan, n: Extract<Node, { kind: 'arg' | 'axis' }>): number {
  const index = n.kind === 'arg' ? n.arg : n.axis;
  return windows.findIndex((w) => w.kind === n.kind && w.index === index);
}

const nameOf = (n: Node): string =>
  n.kind === 'op' ? n.op : n.kind === 'arg' ? `x${n.arg}` : n.kind;

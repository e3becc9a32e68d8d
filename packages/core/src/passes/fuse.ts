/**
 * Graph to Program: views become strides, elementwise neighbours become one loop with several outputs, and values are
 * computed where they are wanted (results, parts of a concat) instead of being copied there. Knows no backend and no
 * gradient.
 */
import { fail } from '../errors.ts';
import { findRows, type RowAxes } from '../graph/rows.ts';
import { constantOf, describe, isView, type ScanOp, type Tensor } from '../graph/tensor.ts';
import type { DType } from '../ir/dtype.ts';
import { arg, axisIndex, type Expr, exprOrder, mapLeaves } from '../ir/expr.ts';
import type { Instr, Operand, Program, Rows, Slot } from '../ir/program.ts';
import { denseStrides, extent, isDense, reshapeStrides, type Shape, sizeOf } from '../ir/view.ts';
import { bind } from './bind.ts';
import { type Place, unview, view } from './place.ts';
import { isConstant, type Schedule, schedule } from './schedule.ts';
import { shareEqual, simplifyExpr } from './simplify-expr.ts';

/** Something elementwise to write: a map, or a copy of whatever can be read. */
interface Write {
  readonly value: Tensor;
  readonly to: Place;
  /** Which axis of the value has rows where it is written: rows may get what they share, each its own. */
  readonly row: number | null;
}

export interface FuseOptions {
  /** Strides of parameters and results that are not dense: a scan's windows. */
  readonly paramStrides?: readonly (readonly number[] | undefined)[];
  readonly resultStrides?: readonly (readonly number[] | undefined)[];
  readonly rows?: RowAxes;
}

/** A program and, for a scan's body, where its rows lie. */
export interface Fused {
  readonly program: Program;
  readonly axis: readonly (number | null)[];
  readonly stride: readonly (number | null)[];
}

export function fuse(params: readonly Tensor[], results: readonly Tensor[]): Program {
  return new Fuser(params, results, {}).run().program;
}

class Fuser {
  readonly #slots: Slot[] = [];
  readonly #code: Instr[] = [];
  readonly #axis: (number | null)[] = [];
  readonly #stride: (number | null)[] = [];
  readonly #homes = new Map<Tensor, Place>();
  /** Further places for maps, written by the same loop. */
  readonly #extras = new Map<Tensor, Write[]>();
  /** Copies, with the level at which they can run. */
  readonly #copies: (Write & { readonly level: number })[] = [];
  readonly #constants = new Map<string, Place>();
  readonly #reductions = new Map<string, { index: number; reads: number }>();
  readonly #producedAt = new Map<number, number>(); // slot -> instruction that completes it
  readonly #params: readonly Tensor[];
  readonly #results: readonly Tensor[];
  readonly #options: FuseOptions;
  readonly #plan: Schedule;

  constructor(params: readonly Tensor[], results: readonly Tensor[], options: FuseOptions) {
    this.#params = params;
    this.#results = results;
    this.#options = options;
    this.#plan = schedule(results);
  }

  run(): Fused {
    const inputs = this.#params.map((p, i) => {
      const strides = this.#options.paramStrides?.[i] ?? denseStrides(p.shape);
      const place = this.#newPlace(p, p.label, strides);
      this.#homes.set(p, place);
      return place.slot;
    });
    for (const t of this.#plan.order)
      if (t.args.length === 0 && t.op.kind !== 'map' && !this.#homes.has(t))
        fail(
          'escaped-tensor',
          `compile: ${describe(t)} belongs to another traced function or to a scan's step. Return it from there.`,
        );
    const outputs = this.#results.map((r, i) => {
      const strides = this.#options.resultStrides?.[i] ?? denseStrides(r.shape);
      const place = this.#newPlace(r, r.label, strides);
      this.#send(r, place);
      return place.slot;
    });
    for (const t of this.#plan.order.toReversed()) if (t.op.kind === 'concat') this.#placeParts(t);
    for (const t of this.#plan.order) if (t.op.kind === 'reshape') this.#placeForReshape(t);
    this.#collectConstants();
    for (let level = -1; level < this.#plan.levels; level++) {
      for (const t of this.#plan.order) if (this.#plan.level(t) === level) this.#emitSingle(t);
      this.#emitLoops(level);
    }
    const code = this.#code.map((i) =>
      bind(i.kind === 'loop' ? { ...i, body: shareEqual(i.body) } : i, this.#slots),
    );
    return {
      program: { slots: this.#slots, inputs, outputs, scratch: [], code },
      axis: this.#axis,
      stride: this.#stride,
    };
  }

  // Places

  #newSlot(dtype: DType, size: number, label: string, stride: number | null): number {
    this.#stride.push(stride);
    return this.#slots.push({ dtype, size, label }) - 1;
  }

  #newPlace(
    t: Tensor,
    label: string = t.label,
    strides: readonly number[] = denseStrides(t.shape),
  ): Place {
    const row = this.#options.rows?.get(t) ?? null;
    const size = extent(t.shape, strides).high;
    const stride = row === null ? null : (strides[row] as number);
    return { slot: this.#newSlot(t.dtype, size, label, stride), offset: 0, strides };
  }

  /**
   * Asks for `t` at a place: computed there if nothing else has claimed it yet, written or copied there otherwise. What
   * rows share is never at home among rows: there each row has one of its own.
   */
  #send(t: Tensor, to: Place, row: number | null = this.#rowAxis(t)): void {
    const apart = row !== this.#rowAxis(t);
    let source = t;
    let place: Place | null = to;
    while (place && !apart && isView(source) && !isConstant(source)) {
      const inner = source.args[0] as Tensor;
      const seen = unview(source, place);
      if (!seen) break;
      place = seen;
      source = inner;
    }
    if (isConstant(source) || isView(source) || this.#plan.inlined.has(source))
      this.#copy(t, to, row);
    else if (
      !apart &&
      !this.#homes.has(source) &&
      (!isLastCarry(source) || isDense(source.shape, place.strides))
    )
      this.#homes.set(source, place);
    else if (source.op.kind === 'map') {
      const extra = { value: source, to: place, row: apart ? row : this.#rowAxis(source) };
      this.#extras.set(source, [...(this.#extras.get(source) ?? []), extra]);
    } else this.#copy(t, to, row);
  }

  #copy(value: Tensor, to: Place, row: number | null): void {
    const level = isConstant(value) ? -1 : this.#plan.copyLevel(value);
    this.#copies.push({ value, to, row, level });
  }

  #placeParts(t: Tensor): void {
    const { axis } = t.op as { axis: number };
    const whole = this.#home(t);
    let start = 0;
    for (const part of t.args) {
      const to = { ...whole, offset: whole.offset + start * (whole.strides[axis] as number) };
      this.#send(part, to, this.#rowAxis(t));
      start += part.shape[axis] as number;
    }
  }

  /** What is only reshaped after a transpose is computed in the transposed order at once: the reshape is then free. */
  #placeForReshape(t: Tensor): void {
    const moved = t.args[0] as Tensor;
    const source = moved.args[0];
    if (moved.op.kind !== 'transpose' || !source || isView(source) || this.#homes.has(source))
      return;
    const { kind } = source.op;
    if (kind !== 'contract' && kind !== 'reduce' && kind !== 'map') return;
    if (isConstant(source) || this.#plan.inlined.has(source)) return;
    if (this.#plan.users.get(source)?.length !== 1 || this.#plan.users.get(moved)?.length !== 1)
      return;
    const dense = view(moved, { slot: 0, offset: 0, strides: denseStrides(source.shape) }) as Place;
    if (reshapeStrides(moved.shape, dense.strides, t.shape)) return;
    this.#homes.set(source, unview(moved, this.#newPlace(moved)) as Place);
  }

  #home(t: Tensor): Place {
    let place = this.#homes.get(t);
    if (!place) {
      place = this.#newPlace(t);
      this.#homes.set(t, place);
    }
    return place;
  }

  /** Constants that an instruction needs in memory are filled before everything else. */
  #collectConstants(): void {
    const inMemory = ['contract', 'gather', 'scatter', 'scan'];
    for (const t of this.#plan.order)
      if (inMemory.includes(t.op.kind))
        for (const a of t.args) if (isConstant(a)) this.#constantPlace(a);
  }

  #constantPlace(t: Tensor): Place {
    const value = constantOf(t)?.value;
    const key = `${Object.is(value, -0) ? '-0' : value}|${t.dtype}|${t.shape}`;
    let place = this.#constants.get(key);
    if (!place) {
      place = this.#newPlace(t, 'constant');
      this.#constants.set(key, place);
      this.#copy(t, place, this.#rowAxis(t));
    }
    return place;
  }

  /** Where `t` can be read. Emits a copy where only a copy makes it readable as a window. */
  #read(t: Tensor): Place {
    const known = this.#homes.get(t);
    if (known) return known;
    if (isConstant(t)) return this.#constantPlace(t);
    if (!isView(t)) return this.#home(t);
    const source = t.args[0] as Tensor;
    let seen = view(t, this.#read(source));
    if (!seen) {
      const dense = this.#newPlace(source, `${source.label} copy`);
      this.#emitCopy(source, dense);
      seen = view(t, dense) as Place;
    }
    this.#homes.set(t, seen);
    return seen;
  }

  #readDense(t: Tensor): Place {
    const place = this.#read(t);
    if (isDense(t.shape, place.strides)) return place;
    const dense = this.#newPlace(t, `${t.label} copy`);
    this.#emitCopy(t, dense);
    return dense;
  }

  // Instructions

  #emit(i: Instr, axis: number | null): void {
    const index = this.#code.push(i) - 1;
    this.#axis.push(axis);
    for (const o of i.kind === 'scan' ? [...i.finals, ...i.ys] : i.outs)
      this.#producedAt.set(o.slot, index);
  }

  #rowAxis(t: Tensor): number | null {
    return this.#options.rows?.get(t) ?? null;
  }

  #operand(place: Place, strides: readonly number[] = place.strides): Operand {
    const { dtype } = this.#slots[place.slot] as Slot;
    return { slot: place.slot, buffer: 0, dtype, offset: place.offset, strides };
  }

  #emitSingle(t: Tensor): void {
    const { op } = t;
    switch (op.kind) {
      case 'reduce':
        this.#emitReduce(t, op.axes, op.combine);
        return;
      case 'contract':
        this.#emitContract(t, op);
        return;
      case 'gather':
      case 'scatter': {
        const [a, b] = t.args.map((x) => this.#operand(this.#read(x))) as [Operand, Operand];
        const out = this.#operand(this.#home(t));
        const [x] = t.args as readonly [Tensor];
        const kind = op.kind;
        const rows = (kind === 'gather' ? x : t).shape[0] as number;
        const shape = (kind === 'gather' ? t : x).shape as readonly [number, number];
        this.#emit({ kind, buffers: [], rows, shape, args: [a, b], outs: [out] }, this.#rowAxis(t));
        return;
      }
      case 'scan':
        this.#emitScan(t, op);
        return;
      default:
        return;
    }
  }

  #emitReduce(t: Tensor, axes: readonly number[], combine: 'sum' | 'max' | 'min'): void {
    const x = t.args[0] as Tensor;
    const keep = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const order = [...keep, ...axes];
    const row = this.#rowAxis(x);
    const loads = this.#loader((m) => this.#plan.inlined.has(m), order, row);
    const value = loads.load(x);
    const reads = Math.max(-1, ...loads.args.map((o) => this.#producedAt.get(o.slot) ?? -1));
    const out = this.#operand(this.#home(t));
    const shape = keep.map((i) => x.shape[i] as number);
    const over = axes.map((i) => x.shape[i] as number);
    // Reductions of one shape, over rows or not, share a loop, if all they read was there when the first of them ran.
    const key = `${this.#plan.level(t)}|${combine}|${shape}|${over}|${keep}|${this.#rowAxis(t)}`;
    const open = this.#reductions.get(key);
    const first = open && this.#code[open.index];
    if (open && first?.kind === 'loop' && reads < open.index) {
      const { args, body } = merge(first.args, loads.args, value);
      this.#code[open.index] = {
        ...first,
        args,
        body: [...first.body, body],
        outs: [...first.outs, out],
      };
      this.#producedAt.set(out.slot, open.index);
      return;
    }
    this.#reductions.set(key, { index: this.#code.length, reads });
    this.#emit(
      {
        kind: 'loop',
        buffers: [],
        shape,
        over,
        combine,
        args: loads.args,
        body: [value],
        outs: [out],
      },
      this.#rowAxis(t),
    );
  }

  #emitContract(t: Tensor, op: { a: string; b: string; out: string }): void {
    const [x, y] = t.args as readonly [Tensor, Tensor];
    const letters = [...new Set(op.out + op.a + op.b)];
    const over = letters.filter((c) => !op.out.includes(c));
    const size = (c: string): number =>
      (op.a.includes(c) ? x.shape[op.a.indexOf(c)] : y.shape[op.b.indexOf(c)]) as number;
    const side = (spec: string, place: Place): Operand =>
      this.#operand(
        place,
        letters.map((c) => (spec.includes(c) ? (place.strides[spec.indexOf(c)] as number) : 0)),
      );
    const args = [side(op.a, this.#read(x)), side(op.b, this.#read(y))] as const;
    const outs = [this.#operand(this.#home(t))] as const;
    this.#emit(
      { kind: 'contract', buffers: [], shape: t.shape, over: over.map(size), args, outs },
      this.#rowAxis(t),
    );
  }

  #emitScan(t: Tensor, op: ScanOp): void {
    const { body, counts } = op;
    const first = counts.consts + counts.carry;
    const consts = t.args.slice(0, counts.consts).map((a) => this.#readForward(a));
    const init = t.args.slice(counts.consts, first).map((a) => this.#readDense(a));
    const xs = t.args.slice(first).map((a) => this.#readForward(a));
    const picks = new Map<number, Place>();
    for (const u of this.#plan.users.get(t) ?? [])
      if (u.op.kind === 'pick') picks.set(u.op.index, this.#home(u));
    const places = body.results.map((r, i) => {
      const known = picks.get(i);
      if (known) return known;
      const strides = denseStrides(i < counts.carry ? r.shape : [op.length, ...r.shape]);
      const size = sizeOf(r.shape) * (i < counts.carry ? 1 : op.length);
      return { slot: this.#newSlot(r.dtype, size, r.label, null), offset: 0, strides };
    });
    const found = findRows(op);
    const rows = 'axes' in found ? found.axes : undefined;
    const inner = new Fuser(body.params, body.results, {
      paramStrides: [
        ...consts.map((p) => p.strides),
        ...init.map(() => undefined),
        ...xs.map((p) => p.strides.slice(1)),
      ],
      resultStrides: places.map((p, i) => (i < counts.carry ? undefined : p.strides.slice(1))),
      ...(rows ? { rows } : {}),
    }).run();
    const still = (p: Place): Operand => this.#operand(p, []);
    const moving = (p: Place): Operand => this.#operand(p, p.strides.slice(0, 1));
    const why = 'why' in found ? { why: found.why } : {};
    const hint: { rows?: Rows } = {};
    if (rows && 'count' in found)
      hint.rows = {
        count: found.count,
        inputs: body.params.map((p) => rows.get(p) === 0),
        outputs: body.results.map((r) => rows.get(r) === 0),
        axis: inner.axis,
        stride: inner.stride,
      };
    this.#emit(
      {
        kind: 'scan',
        buffers: [],
        label: op.label,
        length: op.length,
        reverse: op.reverse,
        body: inner.program,
        consts: consts.map(still),
        init: init.map(still),
        xs: xs.map(moving),
        finals: places.slice(0, counts.carry).map(still),
        ys: places.slice(counts.carry).map(moving),
        ...hint,
        ...why,
      },
      null,
    );
  }

  /** A window that only moves forward, but for the leading axis: what a scan's body can take as a slot. */
  #readForward(t: Tensor): Place {
    const place = this.#read(t);
    return place.strides.slice(1).every((s) => s >= 0) &&
      (t.rank < 1 || (place.strides[0] as number) >= 0)
      ? place
      : this.#readDense(t);
  }

  /** All loops of a level: maps and copies, grouped by shape. */
  #emitLoops(level: number): void {
    const groups = new Map<string, { shape: Shape; maps: Tensor[]; writes: Write[] }>();
    const group = (shape: Shape): { shape: Shape; maps: Tensor[]; writes: Write[] } => {
      const key = `${shape}`;
      let g = groups.get(key);
      if (!g) {
        g = { shape, maps: [], writes: [] };
        groups.set(key, g);
      }
      return g;
    };
    for (const t of this.#plan.order)
      if (t.op.kind === 'map' && !this.#plan.inlined.has(t) && this.#plan.level(t) === level)
        group(t.shape).maps.push(t);
    for (const copy of this.#copies)
      if (copy.level === level) group(copy.value.shape).writes.push(copy);
    for (const g of groups.values()) {
      const here = new Set(g.maps);
      for (const t of g.maps) {
        // A concat asked for its parts and reads nothing.
        const read = (this.#plan.users.get(t) ?? []).some(
          (u) => !here.has(u) && u.op.kind !== 'concat',
        );
        if (read || this.#homes.has(t))
          g.writes.push({ value: t, to: this.#home(t), row: this.#rowAxis(t) });
        g.writes.push(...(this.#extras.get(t) ?? []));
      }
      // An instruction has rows or has none: what rows share is computed apart from them, and first.
      const axes = [...new Set(g.writes.map((w) => w.row))].sort((a, b) => (a ?? -1) - (b ?? -1));
      for (const row of axes) {
        const writes = g.writes.filter((w) => w.row === row);
        this.#emitLoop(g.shape, writes, row, here);
      }
    }
  }

  #emitCopy(value: Tensor, to: Place): void {
    const row = this.#rowAxis(value);
    this.#emitLoop(value.shape, [{ value, to, row }], row, new Set());
  }

  #emitLoop(
    shape: Shape,
    writes: readonly Write[],
    row: number | null,
    here: ReadonlySet<Tensor>,
  ): void {
    const order = shape.map((_, i) => i);
    const loads = this.#loader((m) => here.has(m), order, row);
    const body = writes.map((w) => loads.load(w.value));
    const outs = writes.map((w) => this.#operand(w.to));
    this.#emit(
      { kind: 'loop', buffers: [], shape, over: [], combine: 'sum', args: loads.args, body, outs },
      row,
    );
  }

  /** Whether a value comes from no row and yet differs from one to the next, by its index: rows compute it, each its own. */
  #differs(t: Tensor, row: number | null, seen: Set<Tensor> = new Set()): boolean {
    if (row === null || t.op.kind !== 'map' || this.#rowAxis(t) !== null || seen.has(t))
      return false;
    seen.add(t);
    const reads = exprOrder([t.op.body]).some((x) => x.op === 'axis' && x.axis === row);
    return reads || t.args.some((a) => this.#differs(a, row, seen));
  }

  /**
   * Builds expressions over operands, merging equal operands. `order` says which axis of a value each loop axis is, `row`
   * which axis of it has rows: what they share is the same for all of them, whatever it looks like in memory.
   */
  #loader(inside: (t: Tensor) => boolean, order: readonly number[], row: number | null) {
    const args: Operand[] = [];
    const types: DType[] = [];
    const byWindow = new Map<string, Expr>();
    const memo = new Map<Tensor, Expr>();
    // `within` what is computed here again: the maps that it read there may be stored nowhere.
    const load = (t: Tensor, within = false): Expr => {
      const known = memo.get(t);
      if (known) return known;
      let x: Expr | undefined = constantOf(t);
      if (x) return x;
      const again = within || this.#differs(t, row);
      if (t.op.kind === 'map' && (again || inside(t))) {
        const parts = t.args.map((a) => load(a, again));
        x = mapLeaves(t.op.body, (leaf) => {
          if (leaf.op === 'arg') return parts[leaf.index] as Expr;
          if (leaf.op !== 'axis' || order[leaf.axis] === leaf.axis) return leaf;
          return axisIndex(order.indexOf(leaf.axis));
        });
        x = simplifyExpr(x, types);
      } else {
        const place = this.#read(t);
        const shared = row !== null && this.#rowAxis(t) === null;
        const operand = this.#operand(
          place,
          order.map((a) => (shared && a === row ? 0 : (place.strides[a] as number))),
        );
        const key = windowOf(operand);
        const before = byWindow.get(key);
        if (before) x = before;
        else {
          x = arg(args.push(operand) - 1);
          types.push(operand.dtype);
          byWindow.set(key, x);
        }
      }
      memo.set(t, x);
      return x;
    };
    return { args, load };
  }
}

/** A scan's last carry, which must be dense. */
const isLastCarry = ({ op, args: [scan] }: Tensor): boolean =>
  op.kind === 'pick' && scan?.op.kind === 'scan' && op.index < scan.op.counts.carry;

const windowOf = (o: Operand): string => `${o.slot}|${o.offset}|${o.strides}`;

/** Adds the operands and the expression of one reduction to those of another. */
function merge(
  args: readonly Operand[],
  more: readonly Operand[],
  body: Expr,
): { args: Operand[]; body: Expr } {
  const all = [...args];
  const index = more.map((o) => {
    const at = all.findIndex((p) => windowOf(p) === windowOf(o));
    return at >= 0 ? at : all.push(o) - 1;
  });
  const renamed = mapLeaves(body, (leaf) =>
    leaf.op === 'arg' ? arg(index[leaf.index] as number) : leaf,
  );
  return { args: all, body: renamed };
}

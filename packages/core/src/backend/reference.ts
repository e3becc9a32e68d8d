/**
 * The backend that defines what is right: every element type, float64 included, with loops as plain as they can be
 * and every sum in float64. Slow; for tests, gradient checks and as a start for a backend of one's own.
 */
import { fail } from '../errors.ts';
import {
  bytesPerElement,
  coerce,
  copied,
  type DType,
  isFloat,
  type TypedArray,
  viewOf,
} from '../ir/dtype.ts';
import { evaluator } from '../ir/evaluate.ts';
import type {
  Combine,
  Contract,
  Gather,
  Instr,
  Loop,
  Operand,
  Program,
  Scan,
  Scatter,
} from '../ir/program.ts';
import { verify } from '../ir/verify.ts';
import { sizeOf } from '../ir/view.ts';
import {
  type Backend,
  type Executable,
  type Launch,
  type Limits,
  type Memory,
  type Ref,
  unlimited,
} from './interface.ts';

type Host = ArrayBuffer;

export interface ReferenceOptions {
  /** Claimed, so that tests see how core plans for a smaller device. */
  readonly limits?: Partial<Limits> | undefined;
}

/**
 * Runs programs directly, not through `kernelBackend`: so that the two can be compared. Checks what it is given: a
 * program by `verify`, a buffer by whether it lives and is long enough. Scratch is filled with NaN before each run.
 */
export function reference(options: ReferenceOptions = {}): Backend<ArrayBuffer> {
  const memory = hostMemory();
  const limits = { ...unlimited, ...options.limits };
  return {
    ...memory,
    name: 'reference',
    limits,
    info: () => ({ name: 'reference', variant: 'float64 sums' }),
    async compile(program): Promise<Executable<Host>> {
      verify(program, limits);
      const runProgram = prepare(program);
      return {
        run(inputs, outputs) {
          for (const [i, k] of program.inputs.entries()) checkRef(memory, inputs[i], program, k);
          for (const [i, k] of program.outputs.entries()) checkRef(memory, outputs[i], program, k);
          runProgram(inputs, outputs);
        },
        dispose() {},
      };
    },
    dispose() {},
  };
}

/** Plain memory: zero-initialised; using what was freed is an error. */
export function hostMemory(): Memory<ArrayBuffer> & { isLive(buffer: ArrayBuffer): boolean } {
  const live = new WeakSet<Host>();
  const bytesOf = (buffer: Host, at: number, count: number): Uint8Array => {
    if (!live.has(buffer))
      fail(
        'disposed',
        'memory: the buffer was freed or never allocated here. Keep it until the last use.',
      );
    return new Uint8Array(buffer, at, count);
  };
  return {
    alloc(bytes) {
      // Whole float64s, so that any typed array can view all of it.
      const buffer = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
      live.add(buffer);
      return buffer;
    },
    free(buffer) {
      bytesOf(buffer, 0, 0);
      live.delete(buffer);
    },
    write(buffer, data, at = 0) {
      bytesOf(buffer, at, data.byteLength).set(data);
    },
    async read(buffer, at = 0, bytes = buffer.byteLength - at, into) {
      return copied(bytesOf(buffer, at, bytes), into);
    },
    view: bytesOf,
    isLive: (buffer) => live.has(buffer),
  };
}

function checkRef(
  memory: ReturnType<typeof hostMemory>,
  ref: Ref<Host> | undefined,
  program: Program,
  slot: number,
): void {
  const { label, size, dtype } = program.slots[slot] as Program['slots'][number];
  if (!ref)
    fail('program-invalid', `run: no ref for %${slot} ${label}. Pass one per input and output.`);
  if (!memory.isLive(ref.buffer))
    fail(
      'disposed',
      `run: the buffer for %${slot} ${label} was freed. Keep it until the run is read.`,
    );
  const end = ref.offset + size * bytesPerElement[dtype];
  if (end > ref.buffer.byteLength)
    fail(
      'program-invalid',
      `run: %${slot} ${label} needs ${end} bytes, its buffer has ${ref.buffer.byteLength}. Pass a larger one.`,
    );
}

type RunProgram = (inputs: readonly Ref<Host>[], outputs: readonly Ref<Host>[]) => void;

/** Scratch lies in buffers of this program; a run binds the callers' refs and does one instruction after another. */
function prepare(program: Program): RunProgram {
  const kernels = referenceKernels();
  const own = (bytes: number): Ref<Host> => ({
    buffer: new ArrayBuffer(Math.ceil(bytes / 8) * 8),
    offset: 0,
  });
  const arenas = program.scratch.map(own);
  const slots: Ref<Host>[] = program.slots.map((s, k) =>
    program.inputs.includes(k) || program.outputs.includes(k)
      ? { buffer: new ArrayBuffer(0), offset: 0 }
      : own(s.arena === undefined ? s.size * bytesPerElement[s.dtype] : 0),
  );
  const scratch = [...arenas, ...slots.filter((s) => s.buffer.byteLength > 0)];
  const launches = program.code.map((instr) => launchOf(instr, kernels));
  return (inputs, outputs) => {
    // All bits set is NaN in both float types: what reads scratch before it is written cannot go unseen.
    for (const { buffer } of scratch) new Uint8Array(buffer).fill(0xff);
    program.inputs.forEach((slot, k) => {
      slots[slot] = inputs[k] as Ref<Host>;
    });
    program.outputs.forEach((slot, k) => {
      slots[slot] = outputs[k] as Ref<Host>;
    });
    launches.forEach((launch, k) => {
      const { buffers } = program.code[k] as Program['code'][number];
      launch(buffers.map((b) => (b.source === 'arena' ? arenas : slots)[b.index] as Ref<Host>));
    });
  };
}

function launchOf(instr: Instr, kernels: ReferenceKernels): Launch<Host> {
  switch (instr.kind) {
    case 'loop':
      return kernels.loop(instr);
    case 'contract':
      return kernels.contract(instr);
    case 'gather':
      return kernels.gather(instr);
    case 'scatter':
      return kernels.scatter(instr);
    case 'scan':
      return scan(instr);
  }
}

/** One fresh set of carries per step: nothing can be overwritten too early. */
function scan(instr: Scan): Launch<Host> {
  const runBody = prepare(instr.body);
  const carrySlots = instr.body.outputs.slice(0, instr.init.length);
  const carryBytes = carrySlots.map((k) => {
    const { size, dtype } = instr.body.slots[k] as Program['slots'][number];
    return size * bytesPerElement[dtype];
  });
  return (refs) => {
    const at = (o: Operand, step = 0): Ref<Host> => {
      const { buffer, offset } = refs[o.buffer] as Ref<Host>;
      const elements = o.offset + step * (o.strides[0] ?? 0);
      return { buffer, offset: offset + elements * bytesPerElement[o.dtype] };
    };
    const consts = instr.consts.map((o) => at(o));
    let carry = instr.init.map((o) => at(o));
    for (let n = 0; n < instr.length; n++) {
      const t = instr.reverse ? instr.length - 1 - n : n;
      const next = carryBytes.map((bytes) => ({
        buffer: new ArrayBuffer(Math.ceil(bytes / 8) * 8),
        offset: 0,
      }));
      const xs = instr.xs.map((o) => at(o, t));
      const ys = instr.ys.map((o) => at(o, t));
      runBody([...consts, ...carry, ...xs], [...next, ...ys]);
      carry = next;
    }
    instr.finals.forEach((o, k) => {
      const to = at(o);
      const bytes = carryBytes[k] as number;
      new Uint8Array(to.buffer, to.offset, bytes).set(
        new Uint8Array((carry[k] as Ref<Host>).buffer, 0, bytes),
      );
    });
  };
}

/** The reference's kernels alone: a backend may start from these and replace one after another by its own. */
export interface ReferenceKernels {
  loop(instr: Loop): Launch<ArrayBuffer>;
  contract(instr: Contract): Launch<ArrayBuffer>;
  gather(instr: Gather): Launch<ArrayBuffer>;
  scatter(instr: Scatter): Launch<ArrayBuffer>;
}

export const referenceKernels = (): ReferenceKernels => ({ loop, contract, gather, scatter });

/** An operand's elements, from the first of its window on. */
interface Elements {
  readonly data: TypedArray;
  readonly base: number;
}

function elementsOf(o: Operand, refs: readonly Ref<Host>[]): Elements {
  const { buffer, offset } = refs[o.buffer] as Ref<Host>;
  return { data: viewOf(o.dtype, buffer), base: offset / bytesPerElement[o.dtype] + o.offset };
}

/** Where a window's points lie, in row-major order. */
function places(shape: readonly number[], strides: readonly number[]): Int32Array {
  const out = new Int32Array(sizeOf(shape));
  let filled = 1;
  shape.forEach((n, axis) => {
    // Each place so far becomes n places; backwards, so that none is overwritten before it is read.
    for (let k = filled - 1; k >= 0; k--)
      for (let i = n - 1; i >= 0; i--)
        out[k * n + i] = (out[k] as number) + i * (strides[axis] as number);
    filled *= n;
  });
  return out;
}

function loop(instr: Loop): Launch<Host> {
  const { shape, over, combine, args, body, outs } = instr;
  const rank = shape.length;
  const evaluate = evaluator(
    body,
    args.map((a) => a.dtype),
  );
  const outer = args.map((a) => places(shape, a.strides.slice(0, rank)));
  const inner = args.map((a) => places(over, a.strides.slice(rank)));
  const outPlaces = outs.map((o) => places(shape, o.strides));
  const unit = (axis: number): number[] => [...shape, ...over].map((_, a) => (a === axis ? 1 : 0));
  const axes = [...shape, ...over].map((_, axis) => unit(axis));
  const outerIndex = axes.map((u) => places(shape, u.slice(0, rank)));
  const innerIndex = axes.map((u) => places(over, u.slice(rank)));
  const [points, elements] = [sizeOf(shape), sizeOf(over)];
  const x = new Float64Array(args.length);
  const index = new Int32Array(axes.length);
  const wrap = outs.map(({ dtype }) => wrapOf(dtype));
  return (refs) => {
    const sources = args.map((a) => elementsOf(a, refs));
    const targets = outs.map((o) => elementsOf(o, refs));
    const evaluateAt = (i: number, j: number): Float64Array => {
      for (let k = 0; k < x.length; k++) {
        const { data, base } = sources[k] as Elements;
        x[k] = data[base + at(outer, k, i) + at(inner, k, j)] as number;
      }
      for (let k = 0; k < index.length; k++) index[k] = at(outerIndex, k, i) + at(innerIndex, k, j);
      return evaluate(x, index);
    };
    const total = new Float64Array(outs.length);
    for (let i = 0; i < points; i++) {
      total.set(evaluateAt(i, 0));
      for (let j = 1; j < elements; j++) {
        const y = evaluateAt(i, j);
        for (let k = 0; k < total.length; k++)
          total[k] = (wrap[k] as Wrap)(combiners[combine](total[k] as number, y[k] as number));
      }
      targets.forEach(({ data, base }, k) => {
        data[base + at(outPlaces, k, i)] = coerce[(outs[k] as Operand).dtype](total[k] as number);
      });
    }
  };
}

type Wrap = (x: number) => number;

/** Sums of integers wrap at each term, before doubles would round them; those of floats are rounded once, at the end. */
const wrapOf = (dtype: DType): Wrap => (isFloat(dtype) ? (x) => x : coerce[dtype]);

const at = (lists: readonly Int32Array[], k: number, i: number): number =>
  (lists[k] as Int32Array)[i] as number;

/** `Math.max` and `Math.min` give NaN where either is NaN. */
const combiners: { readonly [C in Combine]: (a: number, b: number) => number } = {
  sum: (a, b) => a + b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
};

function contract(instr: Contract): Launch<Host> {
  const { shape, over, args, outs } = instr;
  const rank = shape.length;
  const [outerA, outerB] = args.map((o) => places(shape, o.strides.slice(0, rank))) as [
    Int32Array,
    Int32Array,
  ];
  const [innerA, innerB] = args.map((o) => places(over, o.strides.slice(rank))) as [
    Int32Array,
    Int32Array,
  ];
  const outPlaces = places(shape, outs[0].strides);
  const round: (x: number) => number = coerce[outs[0].dtype];
  return (refs) => {
    const a = elementsOf(args[0], refs);
    const b = elementsOf(args[1], refs);
    const out = elementsOf(outs[0], refs);
    for (let i = 0; i < outPlaces.length; i++) {
      const fromA = a.base + (outerA[i] as number);
      const fromB = b.base + (outerB[i] as number);
      let sum = 0;
      for (let j = 0; j < innerA.length; j++)
        sum +=
          (a.data[fromA + (innerA[j] as number)] as number) *
          (b.data[fromB + (innerB[j] as number)] as number);
      out.data[out.base + (outPlaces[i] as number)] = round(sum);
    }
  };
}

function gather(instr: Gather): Launch<Host> {
  const [n, d] = instr.shape;
  const [tableRow, tableColumn] = instr.args[0].strides as [number, number];
  const [indexStep] = instr.args[1].strides as [number];
  const [outRow, outColumn] = instr.outs[0].strides as [number, number];
  return (refs) => {
    const table = elementsOf(instr.args[0], refs);
    const index = elementsOf(instr.args[1], refs);
    const out = elementsOf(instr.outs[0], refs);
    for (let i = 0; i < n; i++) {
      const row = index.data[index.base + i * indexStep] as number;
      const inside = row >= 0 && row < instr.rows;
      for (let c = 0; c < d; c++)
        out.data[out.base + i * outRow + c * outColumn] = inside
          ? (table.data[table.base + row * tableRow + c * tableColumn] as number)
          : 0;
    }
  };
}

function scatter(instr: Scatter): Launch<Host> {
  const [n, d] = instr.shape;
  const [xRow, xColumn] = instr.args[0].strides as [number, number];
  const [indexStep] = instr.args[1].strides as [number];
  const [outRow, outColumn] = instr.outs[0].strides as [number, number];
  const { dtype } = instr.outs[0];
  const [round, wrap] = [coerce[dtype], wrapOf(dtype)];
  return (refs) => {
    const x = elementsOf(instr.args[0], refs);
    const index = elementsOf(instr.args[1], refs);
    const out = elementsOf(instr.outs[0], refs);
    const sums = new Float64Array(instr.rows * d);
    for (let i = 0; i < n; i++) {
      const row = index.data[index.base + i * indexStep] as number;
      if (row < 0 || row >= instr.rows) continue;
      for (let c = 0; c < d; c++)
        sums[row * d + c] = wrap(
          (sums[row * d + c] as number) + (x.data[x.base + i * xRow + c * xColumn] as number),
        );
    }
    for (let row = 0; row < instr.rows; row++)
      for (let c = 0; c < d; c++)
        out.data[out.base + row * outRow + c * outColumn] = round(sums[row * d + c] as number);
  };
}

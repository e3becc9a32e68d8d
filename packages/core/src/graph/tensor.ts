/**
 * The lazy graph: a Tensor is a node, an op that ran nowhere yet, or the owner of a buffer on a backend. Knows how
 * nodes look, not how they run or differentiate.
 */
// For those who compile to ES2022 without Node's types, where Symbol.dispose has no type.
/// <reference lib="esnext.disposable" preserve="true" />
import { fail, scoped, shown } from '../errors.ts';
import { arrays, bytesOfView, copied, type DType, type TypedArray, viewOf } from '../ir/dtype.ts';
import type { Expr } from '../ir/expr.ts';
import type { Combine } from '../ir/program.ts';
import { type Shape, sizeOf } from '../ir/view.ts';

/** A dense copy of a tensor's values on the host, row-major. */
export interface HostArray<A extends TypedArray = TypedArray> {
  readonly data: A;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a tensor that ran owns. Made and understood by trace/. */
export interface DeviceValue {
  readonly backend: { readonly name: string };
  /** A copy of the bytes: `into`, or an array of its own. */
  read(into?: Uint8Array): Promise<Uint8Array>;
  dispose(): void;
}

/** A traced step. Parameters are [consts, carry, xs], results [carry, ys]. */
export interface Body {
  readonly params: readonly Tensor[];
  readonly results: readonly Tensor[];
}

export interface ScanOp {
  readonly kind: 'scan';
  readonly label: string;
  readonly body: Body;
  readonly counts: { readonly consts: number; readonly carry: number; readonly xs: number };
  readonly length: number;
  readonly reverse: boolean;
  /** Save only what enters each step and recompute the rest in the backward pass. */
  readonly checkpoint: boolean;
}

/** A rule that replaces differentiation: given inputs, outputs and cotangents, the cotangents of the inputs. */
export interface CustomRule {
  readonly label: string;
  readonly outputs: number;
  readonly vjp: (
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    cotangents: readonly (Tensor | null)[],
  ) => readonly (Tensor | null)[];
}

export type Op =
  /** A placeholder: an argument of a traced function or of a scan's body. */
  | { readonly kind: 'param' }
  | { readonly kind: 'host'; readonly data: TypedArray }
  | { readonly kind: 'value'; readonly value: DeviceValue }
  /** Elementwise: args have the node's shape; without args the body still has axis indices. */
  | { readonly kind: 'map'; readonly body: Expr }
  | { readonly kind: 'reduce'; readonly combine: Combine; readonly axes: readonly number[] }
  /** Two-operand einsum: one letter per axis, none twice in one operand, each in two of a, b, out at least. */
  | { readonly kind: 'contract'; readonly a: string; readonly b: string; readonly out: string }
  /** args: table [rows, d], index [n]; gives [n, d]. Out of range reads 0. */
  | { readonly kind: 'gather' }
  /** args: x [n, d], index [n]; gives [rows, d]. Out of range is dropped. */
  | { readonly kind: 'scatter'; readonly rows: number }
  | { readonly kind: 'transpose'; readonly perm: readonly number[] }
  /** `axes` of the result are new. */
  | { readonly kind: 'broadcast'; readonly axes: readonly number[] }
  | { readonly kind: 'reshape' }
  | { readonly kind: 'slice'; readonly axis: number; readonly start: number }
  | { readonly kind: 'flip'; readonly axes: readonly number[] }
  | { readonly kind: 'concat'; readonly axis: number }
  | { readonly kind: 'identity'; readonly stopsGradient: boolean }
  /** args: outputs, then inputs of a function with its own gradient; picked from like a scan. */
  | { readonly kind: 'custom'; readonly rule: CustomRule }
  | ScanOp
  | { readonly kind: 'pick'; readonly index: number };

let nextId = 0;

/**
 * Numbers of one type in a shape: an op that ran nowhere yet, or what `compile` and `run` return, which can be read and owns
 * a buffer until it is disposed. Made by `tensor`, `zeros` and all ops.
 */
export class Tensor {
  readonly id: number = nextId++;
  readonly op: Op;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly args: readonly Tensor[];
  /** The scope path in which it was made, then a word for what it is. */
  readonly label: string;

  constructor(op: Op, shape: Shape, dtype: DType, args: readonly Tensor[], label?: string) {
    this.op = op;
    this.shape = shape;
    this.dtype = dtype;
    this.args = args;
    this.label = label ?? scoped(op.kind);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * A dense copy of the values on the host, row-major. Only for tensors that ran: what `compile` and `run` return.
   *
   * `into` takes the copy and is the result's `data`: an array of the tensor's type (a Uint32Array for bool) with `size`
   * elements, on memory that may be shared. It is kept from call to call where results are large or many: a fresh array
   * costs more than the copy. Until the promise resolves, what it holds is not defined.
   */
  read(): Promise<HostArray>;
  read<A extends TypedArray>(options: { readonly into: A }): Promise<HostArray<A>>;
  async read({ into }: { readonly into?: TypedArray } = {}): Promise<HostArray> {
    const { op, shape, dtype } = this;
    const target = into && bytesToFill(into, this);
    let bytes: Uint8Array;
    if (op.kind === 'value') bytes = await op.value.read(target);
    else if (op.kind === 'host') bytes = copied(bytesOfView(op.data), target);
    else
      return fail(
        'not-run',
        `read: ${describe(this)} never ran. Return it from a compiled function, or evaluate it with \`await run(backend, tensor)\`.`,
      );
    if (into) {
      const filled = bytesToFill(into, this); // once more: a device takes its time
      if (bytes !== target) filled.set(bytes);
      return { data: into, shape, dtype };
    }
    return hostArray(this, bytes);
  }

  /** The single element of a tensor of size 1. */
  async item(): Promise<number> {
    if (this.size !== 1)
      fail('shape-mismatch', `item: needs one element, got ${describe(this)}. Use read().`);
    return (await this.read()).data[0] as number;
  }

  /** Gives the buffer back. Nothing happens for a tensor that owns none, or twice. */
  dispose(): void {
    if (this.op.kind === 'value') this.op.value.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** JavaScript's operators would take a tensor for NaN: `x > 0` is false whatever it holds. */
  [Symbol.toPrimitive](): never {
    return fail(
      'not-run',
      `${describe(this)} is no number or text. Use operations, such as greater(a, b) and where(...), or read it: \`await t.item()\`.`,
    );
  }
}

/** A tensor's bytes as its elements, copied only where they begin between two elements. */
export function hostArray({ shape, dtype, size }: Tensor, bytes: Uint8Array): HostArray {
  const { buffer, byteOffset } = bytes.byteOffset % 8 === 0 ? bytes : copied(bytes);
  return { data: viewOf(dtype, buffer, byteOffset, size), shape, dtype };
}

/** For messages: `float32[2,3] "lstm/map"`. */
export const describe = (t: Tensor): string => `${t.dtype}[${t.shape}] "${t.label}"`;

/** A tensor where the compiler could not look: not an array, nor a promise of one, nor nothing. */
export const checkedTensor = (what: string, x: unknown): Tensor =>
  x instanceof Tensor
    ? x
    : fail(
        'tree-leaf',
        `${what}: got ${shown(x)} for a tensor. Wrap values with tensor(), await promises.`,
      );

/** The bytes of an array that a tensor is to be read into, checked. */
function bytesToFill(into: TypedArray, t: Tensor): Uint8Array {
  const wanted = arrays[t.dtype];
  if (!(into instanceof wanted) || into.length !== t.size)
    fail(
      'host-array',
      `read: ${describe(t)} fits ${wanted.name}(${t.size}), got ${into.constructor.name}(${into.length}). Give such an array; a transferred one has no elements.`,
    );
  return bytesOfView(into);
}

export const param = (shape: Shape, dtype: DType, label: string): Tensor =>
  new Tensor({ kind: 'param' }, shape, dtype, [], label);

export const isView = (t: Tensor): boolean =>
  t.op.kind === 'transpose' ||
  t.op.kind === 'broadcast' ||
  t.op.kind === 'reshape' ||
  t.op.kind === 'slice' ||
  t.op.kind === 'flip';

/** Work that is worth moving out of a loop or keeping rather than repeating: products, reductions, tables, loops. */
export const isHeavy = (t: Tensor): boolean =>
  t.op.kind === 'contract' ||
  t.op.kind === 'reduce' ||
  t.op.kind === 'gather' ||
  t.op.kind === 'scatter' ||
  t.op.kind === 'scan';

/** The node whose memory a view shows. */
export function baseOf(t: Tensor): Tensor {
  let n = t;
  while (isView(n)) n = n.args[0] as Tensor;
  return n;
}

/** The constant that a node is everywhere, if that is plain to see. */
export function constantOf(t: Tensor): Extract<Expr, { op: 'const' }> | undefined {
  const { op } = baseOf(t);
  return op.kind === 'map' && op.body.op === 'const' ? op.body : undefined;
}

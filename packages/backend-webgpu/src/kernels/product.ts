/**
 * Products over the grid: each thread computes a block of 4 rows and 4 columns in registers. Four neighbouring elements
 * are loaded at once where a window's layout allows: along the columns, the rows or the depth, whichever is dense.
 */
import {
  type Axis,
  type Contract,
  exchange,
  type Operand,
  type ProductAxes,
  productAxes,
  sizeOfAxes,
} from '@ostinato/core/backend';
import {
  type Along,
  type Base,
  emitBase,
  indexOf,
  load,
  load4,
  type Place,
  store,
  store4,
} from '../wgsl/place.ts';
import type { KernelWriter, Use } from '../wgsl/writer.ts';
import { type Context, decompose, emitOver, groupNumber, orderFor, type Space } from './space.ts';

/** Rows and columns of the block that a thread computes, and the elements of a vector. */
export const BLOCK = 4;
export const block = [0, 1, 2, 3] as const;
export const component = (value: string, k: number): string => `${value}.${'xyzw'[k]}`;

/** Along which axes a window is read four at a time. */
export type Dense = 'lines' | 'depth' | null;

export interface Side {
  readonly operand: Operand;
  readonly window: number;
  readonly dense: Dense;
}

/** A product with its sides in place: `a` has the rows, `b` the columns, `out` both. */
export interface Product {
  readonly batch: readonly Axis[];
  readonly rows: readonly Axis[];
  readonly columns: readonly Axis[];
  readonly depth: readonly Axis[];
  readonly a: Side;
  readonly b: Side;
  readonly out: Side;
}

/** Where slots lie, as far as that is known. */
export type Places = (slot: number) => Place | undefined;

/** Null where it has no rows or no columns: a product with a vector is a reduction. */
export function productOf(contract: Contract, place: Places): Product | null {
  const given = productAxes(contract);
  if (given.rows.length === 0 || given.columns.length === 0) return null;
  // The result's dense axis goes along the columns, which neighbouring threads share out.
  const dense = (axes: readonly Axis[]): boolean => axes.some((a) => a.strides[2] === 1);
  const turned = dense(given.rows) && !dense(given.columns);
  const axes: ProductAxes = turned ? exchange(given) : given;
  const [first, second] = contract.args;
  const [a, b] = turned ? [second, first] : [first, second];
  const rows = orderFor(axes.rows, 2);
  const columns = orderFor(axes.columns, 2);
  // Both operands walk the depth together, so one of them says which axis comes last.
  const denseDepth = [0, 1].find((k) => axes.depth.some((d) => d.strides[k] === 1)) ?? 0;
  const depth = orderFor(axes.depth, denseDepth);
  const side = (operand: Operand, window: number, lines: readonly Axis[]): Side => {
    const all = [...axes.batch, ...rows, ...columns, ...depth];
    const found = denseAlong(window, lines, depth, all, place(operand.slot), operand);
    return { operand, window, dense: window === 2 && found === 'depth' ? null : found };
  };
  return {
    batch: axes.batch,
    rows,
    columns,
    depth,
    a: side(a, 0, rows),
    b: side(b, 1, columns),
    out: side(contract.outs[0], 2, columns),
  };
}

/** Whether a window is dense along its last line axis or the last one of the depth, from multiples of 4 on. */
export function denseAlong(
  window: number,
  lines: readonly Axis[],
  depth: readonly Axis[],
  all: readonly Axis[],
  place: Place | undefined,
  { offset }: Operand,
): Dense {
  if (!isAligned(place, offset)) return null;
  const along = (last: Axis | undefined): boolean =>
    last?.strides[window] === 1 &&
    last.size % BLOCK === 0 &&
    all.every((x) => x === last || (x.strides[window] as number) % BLOCK === 0);
  return along(lines.at(-1)) ? 'lines' : along(depth.at(-1)) ? 'depth' : null;
}

function isAligned(place: Place | undefined, offset: number): boolean {
  if (place?.memory !== 'storage') return false;
  const numbers = [place.offset, offset, ...place.moves.flatMap((m) => [m.perStep, m.whenOdd])];
  return numbers.every((n) => n % BLOCK === 0);
}

export function productUses({ a, b, out }: Product, place: Places): Use[] {
  return [a, b, out].map(({ operand: { slot, dtype }, dense }, k) => {
    const at = place(slot);
    if (at?.memory !== 'storage') throw new Error('a product over the grid is in storage');
    return { buffer: at.buffer, dtype, write: k === 2, vector: dense !== null };
  });
}

/** Gives the workgroups that it needs. */
export function emitProduct(w: KernelWriter, product: Product, context: Context): number {
  const { batch, rows, columns, depth } = product;
  const { space } = context;
  const [a, b, out] = [product.a, product.b, product.out].map(({ operand: o }) =>
    emitBase(w, context.place(o.slot), o.dtype, o.offset, context.clock),
  ) as [Base, Base, Base];
  const [height, width] = [sizeOfAxes(rows), sizeOfAxes(columns)];
  const [down, across] = [Math.ceil(height / BLOCK), Math.ceil(width / BLOCK)];
  const blocks = down * across * sizeOfAxes(batch);
  const index = (base: Base, window: number, axes: readonly Axis[], names: readonly string[]) =>
    indexOf(w, base, alongOf(axes, names, window));

  const id = w.let('id', `${groupNumber(w)} * ${w.threads}u + thread`);
  w.block(`if (${id} < ${w.param(blocks)})`, () => {
    const [acrossText, downText] = [w.param(across), w.param(down)];
    const column = w.let('column', `${id} % ${acrossText} * ${BLOCK}u`);
    const row = w.let('row', `${id} / ${acrossText} % ${downText} * ${BLOCK}u`);
    const number = batch.length > 0 ? w.let('batch', `${id} / ${acrossText} / ${downText}`) : '0u';
    const at = decompose(w, number, batch, space);
    const heightText = w.param(height);
    const widthText = w.param(width);
    // Beyond the edge the last row or column is computed again, and not stored.
    const lines = (first: string, size: string, axes: readonly Axis[], whole: boolean) =>
      block.map((k) => {
        if (k === 0) return decompose(w, first, axes, space);
        const line = `${first} + ${k}u`;
        const name = w.let('line', whole ? line : `min(${line}, ${size} - 1u)`);
        return decompose(w, name, axes, space);
      });
    const rowPoints = lines(row, heightText, rows, product.a.dense === 'lines');
    const columnPoints = lines(column, widthText, columns, width % BLOCK === 0);
    const start = (side: Side, base: Base, axes: readonly Axis[], points: readonly string[][]) =>
      points.slice(0, side.dense === 'lines' ? 1 : BLOCK).map((point): Base => {
        const text = index(base, side.window, [...batch, ...axes], [...at, ...point]);
        return { ...base, start: w.let('at', text) };
      });
    const fromA = start(product.a, a, rows, rowPoints);
    const fromB = start(product.b, b, columns, columnPoints);
    const sums = block.map(() => w.name('sum'));
    for (const name of sums) w.emit(`var ${name} = vec4<f32>();`);
    const step = [product.a, product.b].some((s) => s.dense === 'depth') ? BLOCK : 1;
    emitOver(w, depth, space, { number: '0u', of: 1, step }, (k) => {
      const valueA = elements(w, product.a, fromA, depth, k, step);
      const valueB = elements(w, product.b, fromB, depth, k, step);
      emitBlockSums(w, sums, valueA, valueB, step);
    });
    const edge = { at, row, column, height: heightText, width: widthText };
    storeBlock(w, product, out, edge, sums, space);
  });
  return Math.ceil(blocks / w.threads);
}

/** Where a block stands: its batch, its first row and column, and how many there are. */
interface Edge {
  readonly at: readonly string[];
  readonly row: string;
  readonly column: string;
  readonly height: string;
  readonly width: string;
}

/** Stores what of a block lies inside. Its first element does. */
export function storeBlock(
  w: KernelWriter,
  { batch, rows, columns, out: side }: Product,
  out: Base,
  { at, row, column, height, width }: Edge,
  sums: readonly string[],
  space: Space,
): void {
  const line = (first: string, k: number): string =>
    k === 0 ? first : w.let('line', `${first} + ${k}u`);
  const index = (r: string, c: string): string => {
    const names = [...at, ...decompose(w, r, rows, space), ...decompose(w, c, columns, space)];
    return indexOf(w, out, alongOf([...batch, ...rows, ...columns], names, side.window));
  };
  for (const r of block) {
    const rowName = line(row, r);
    w.block(`if (${rowName} < ${height})`, () => {
      if (side.dense === 'lines') {
        w.emit(store4(w, out, index(rowName, column), sums[r] as string));
        return;
      }
      for (const c of block) {
        const columnName = line(column, c);
        w.block(`if (${columnName} < ${width})`, () =>
          w.emit(store(out, index(rowName, columnName), component(sums[r] as string, c))),
        );
      }
    });
  }
}

export function alongOf(axes: readonly Axis[], names: readonly string[], window: number): Along[] {
  return axes.map((axis, k) => ({
    index: names[k] as string,
    stride: axis.strides[window] as number,
  }));
}

/** The elements of one side for some steps of the depth: of line `line` of the block, `d` further along the depth. */
export interface Elements {
  at(line: number, d: number): string;
  /** All four lines at once, where they were loaded so. */
  vector(d: number): string | null;
}

/** From a vector of the block's lines per step of the depth. */
export const vectorsOfLines = (loaded: readonly string[]): Elements => ({
  at: (line, d) => component(loaded[d] as string, line),
  vector: (d) => loaded[d] as string,
});

/** From a vector along the depth per line. */
export const vectorsOfDepth = (loaded: readonly string[]): Elements => ({
  at: (line, d) => component(loaded[line] as string, d),
  vector: () => null,
});

/** sums[r] += a[r, d] * b[d], for each step of the depth that was loaded. */
export function emitBlockSums(
  w: KernelWriter,
  sums: readonly string[],
  a: Elements,
  b: Elements,
  steps: number,
): void {
  for (let d = 0; d < steps; d++) {
    const line = b.vector(d) ?? w.let('line', `vec4<f32>(${block.map((c) => b.at(c, d))})`);
    for (const r of block) w.emit(`${sums[r]} += ${a.at(r, d)} * ${line};`);
  }
}

function elements(
  w: KernelWriter,
  { dense, window }: Side,
  bases: readonly Base[],
  depth: readonly Axis[],
  k: readonly string[],
  step: number,
): Elements {
  const index = (base: Base, d: number): string =>
    indexOf(w, base, alongOf(depth, further(k, d), window));
  const steps = [...Array(step).keys()];
  if (dense === 'lines')
    return vectorsOfLines(
      steps.map((d) => w.let('line', load4(w, bases[0] as Base, index(bases[0] as Base, d)))),
    );
  if (dense === 'depth')
    return vectorsOfDepth(bases.map((base) => w.let('deep', load4(w, base, index(base, 0)))));
  const loaded = bases.map((base) => steps.map((d) => w.let('v', load(base, index(base, d)))));
  return { at: (line, d) => loaded[line]?.[d] as string, vector: () => null };
}

/** Indices with the last one further along. */
export const further = (indices: readonly string[], by: number): readonly string[] =>
  by === 0
    ? indices
    : indices.map((name, k) => (k === indices.length - 1 ? `(${name} + ${by}u)` : name));

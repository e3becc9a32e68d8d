/**
 * Products over the grid for GPUs: a workgroup computes 64 rows and 64 columns, 4 by 4 per thread, from pieces of both
 * operands that it loads into workgroup memory together. Large products only: small ones leave most of a GPU idle.
 */
import { type Axis, sizeOfAxes } from '@ostinato/core/backend';
import { type Base, emitBase, indexOf, load, load4 } from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';
import {
  alongOf,
  BLOCK,
  block,
  component,
  type Elements,
  emitBlockSums,
  type Product,
  type Side,
  storeBlock,
  vectorsOfDepth,
  vectorsOfLines,
} from './product.ts';
import { type Context, decompose, groupNumber, type Space } from './space.ts';

/** Rows, and columns, of a workgroup's tile; 4 by 4 per thread. */
const TILE = 64;
/** Blocks, and so threads, side by side. */
const ACROSS = TILE / BLOCK;
export const SHARED_THREADS = ACROSS ** 2;
/** Steps of the depth that lie in workgroup memory at once: one vector per thread and operand. */
const DEPTH = (SHARED_THREADS * BLOCK) / TILE;
/** From so many tiles on a GPU has something to do. */
const ENOUGH_TILES = 32;

const tilesOf = (lines: readonly Axis[]): number => Math.ceil(sizeOfAxes(lines) / TILE);

export const suitsSharing = ({ batch, rows, columns, depth }: Product): boolean =>
  sizeOfAxes(depth) >= DEPTH &&
  tilesOf(rows) * tilesOf(columns) * sizeOfAxes(batch) >= ENOUGH_TILES;

/** Gives the workgroups that it needs. */
export function emitSharedProduct(w: KernelWriter, product: Product, context: Context): number {
  const { batch, rows, columns, depth } = product;
  const { space } = context;
  const [a, b, out] = [product.a, product.b, product.out].map(({ operand: o }) =>
    emitBase(w, context.place(o.slot), o.dtype, o.offset, context.clock),
  ) as [Base, Base, Base];
  const [tilesDown, tilesAcross] = [tilesOf(rows), tilesOf(columns)];
  const [down, across] = [w.param(tilesDown), w.param(tilesAcross)];
  const [height, width] = [w.param(sizeOfAxes(rows)), w.param(sizeOfAxes(columns))];
  const id = groupNumber(w);
  const row0 = w.let('row', `${id} / ${across} % ${down} * ${TILE}u`);
  const column0 = w.let('column', `${id} % ${across} * ${TILE}u`);
  // Workgroups beyond the last batch (the grid is a rectangle) compute the last one again.
  const last = w.param(sizeOfAxes(batch) - 1);
  const at = decompose(
    w,
    w.let('batch', `min(${id} / ${across} / ${down}, ${last})`),
    batch,
    space,
  );

  const deep = { axes: depth, size: w.param(sizeOfAxes(depth)), space };
  const piece = (side: Side, base: Base, first: string, size: string, lines: readonly Axis[]) =>
    emitPiece(w, { side, base, first, size, lines, batch, at, deep });
  const pieceA = piece(product.a, a, row0, height, rows);
  const pieceB = piece(product.b, b, column0, width, columns);
  const sums = block.map(() => w.name('sum'));
  for (const name of sums) w.emit(`var ${name} = vec4<f32>();`);
  const k0 = w.name('k');
  w.block(`for (var ${k0} = 0u; ${k0} < ${deep.size}; ${k0} += ${DEPTH}u)`, () => {
    pieceA.fill(k0);
    pieceB.fill(k0);
    w.emit('workgroupBarrier();');
    const k = w.name('k');
    w.block(`for (var ${k} = 0u; ${k} < ${DEPTH}u; ${k} += ${BLOCK}u)`, () => {
      const valueA = pieceA.read(`thread / ${ACROSS}u`, k);
      const valueB = pieceB.read(`thread % ${ACROSS}u`, k);
      emitBlockSums(w, sums, valueA, valueB, BLOCK);
    });
    w.emit('workgroupBarrier();');
  });
  const row = w.let('row', `${row0} + thread / ${ACROSS}u * ${BLOCK}u`);
  const column = w.let('column', `${column0} + thread % ${ACROSS}u * ${BLOCK}u`);
  w.block(`if (${row} < ${height} && ${column} < ${width})`, () =>
    storeBlock(w, product, out, { at, row, column, height, width }, sums, space),
  );
  return tilesDown * tilesAcross * sizeOfAxes(batch);
}

/** One operand's part of the tile: where in it, and in memory, this thread's vector lies. */
interface Piece {
  readonly side: Side;
  readonly base: Base;
  /** The tile's first row or column, and how many of them there are. */
  readonly first: string;
  readonly size: string;
  readonly lines: readonly Axis[];
  readonly batch: readonly Axis[];
  readonly at: readonly string[];
  readonly deep: { readonly axes: readonly Axis[]; readonly size: string; readonly space: Space };
}

/**
 * An array in workgroup memory, filled and read by vectors: along the lines, one step of the depth after the other, where
 * the operand is dense there; else along the depth, line after line.
 */
function emitPiece(
  w: KernelWriter,
  { side, base, first, size, lines, batch, at, deep }: Piece,
): { fill(k: string): void; read(mine: string, k: string): Elements } {
  const { dense, window } = side;
  const array = w.workgroupArray('vec4<f32>', SHARED_THREADS);
  const byLines = dense === 'lines';
  const vectors = DEPTH / BLOCK;
  const line = byLines
    ? w.let('line', `${first} + thread % ${ACROSS}u * ${BLOCK}u`)
    : w.let('line', `min(${first} + thread / ${vectors}u, ${size} - 1u)`);
  const k = byLines ? `thread / ${ACROSS}u` : `thread % ${vectors}u * ${BLOCK}u`;
  const names = [...at, ...decompose(w, line, lines, deep.space)];
  const start = w.let('at', indexOf(w, base, alongOf([...batch, ...lines], names, window)));
  const from: Base = { ...base, start };
  const index = (d: string): string =>
    indexOf(w, from, alongOf(deep.axes, decompose(w, d, deep.axes, deep.space), window));
  return {
    fill(k0) {
      const d0 = w.let('deep', `${k0} + ${k}`);
      const value = w.name('value');
      // What lies outside counts as 0.
      w.emit(`var ${value} = vec4<f32>();`);
      if (dense !== null) {
        const inside = `${d0} < ${deep.size}${byLines ? ` && ${line} < ${size}` : ''}`;
        w.block(`if (${inside})`, () => w.emit(`${value} = ${load4(w, from, index(d0))};`));
      } else
        for (const k of block) {
          const d = k === 0 ? d0 : w.let('deep', `${d0} + ${k}u`);
          w.block(`if (${d} < ${deep.size})`, () =>
            w.emit(`${component(value, k)} = ${load(from, index(d))};`),
          );
        }
      w.emit(`${array}[thread] = ${value};`);
    },
    read(mine, k0) {
      const place = (j: number): string =>
        byLines
          ? `(${k0} + ${j}u) * ${ACROSS}u + ${mine}`
          : `(${mine} * ${BLOCK}u + ${j}u) * ${vectors}u + ${k0} / ${BLOCK}u`;
      const loaded = block.map((j) => w.let('part', `${array}[${place(j)}]`));
      return byLines ? vectorsOfLines(loaded) : vectorsOfDepth(loaded);
    },
  };
}

/**
 * Products over the grid for GPUs: a workgroup computes 64 rows and 64 columns, 4 by 4 per thread, from pieces of both
 * operands that it loads into workgroup memory together. Large products only: small ones leave most of a GPU idle.
 */
import { sizeOfAxes } from '@ostinato/core/backend';
import { type Base, emitBase, indexOf, load, load4 } from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';
import {
  alongOf,
  BLOCK,
  block,
  component,
  type Product,
  type Side,
  storeBlock,
} from './product.ts';
import { type Context, decompose, groupNumber } from './space.ts';

/** Rows, and columns, of a workgroup's tile; 4 by 4 per thread. */
const TILE = 64;
export const SHARED_THREADS = (TILE / BLOCK) ** 2;
/** Steps of the depth that lie in workgroup memory at once: one vector per thread and operand. */
const DEPTH = (SHARED_THREADS * BLOCK) / TILE;
/** From so many tiles on a GPU has something to do. */
const ENOUGH_TILES = 32;

export function suitsSharing({ batch, rows, columns, depth }: Product): boolean {
  const tiles = (lines: number): number => Math.ceil(lines / TILE);
  const [height, width] = [sizeOfAxes(rows), sizeOfAxes(columns)];
  return (
    sizeOfAxes(depth) >= DEPTH && tiles(height) * tiles(width) * sizeOfAxes(batch) >= ENOUGH_TILES
  );
}

/** Gives the workgroups that it needs. */
export function emitSharedProduct(w: KernelWriter, product: Product, context: Context): number {
  const { batch, rows, columns, depth } = product;
  const { space } = context;
  const [a, b, out] = [product.a, product.b, product.out].map(({ operand: o }) =>
    emitBase(w, context.place(o.slot), o.dtype, o.offset, context.clock),
  ) as [Base, Base, Base];
  const [height, width] = [sizeOfAxes(rows), sizeOfAxes(columns)];
  const [down, across] = [Math.ceil(height / TILE), Math.ceil(width / TILE)];
  const [downText, acrossText] = [w.param(down), w.param(across)];
  const [heightText, widthText] = [w.param(height), w.param(width)];
  const depthText = w.param(sizeOfAxes(depth));
  const id = groupNumber(w);
  const row0 = w.let('row', `${id} / ${acrossText} % ${downText} * ${TILE}u`);
  const column0 = w.let('column', `${id} % ${acrossText} * ${TILE}u`);
  // Workgroups beyond the last batch (the grid is a rectangle) compute the last one again.
  const last = w.param(sizeOfAxes(batch) - 1);
  const number = w.let('batch', `min(${id} / ${acrossText} / ${downText}, ${last})`);
  const at = decompose(w, number, batch, space);

  const fromA = piece(w, product.a, a, [row0, heightText], rows);
  const fromB = piece(w, product.b, b, [column0, widthText], columns);
  const sums = block.map(() => w.name('sum'));
  for (const name of sums) w.emit(`var ${name} = vec4<f32>();`);
  const k0 = w.name('k');
  w.block(`for (var ${k0} = 0u; ${k0} < ${depthText}; ${k0} += ${DEPTH}u)`, () => {
    fromA.fill(k0);
    fromB.fill(k0);
    w.emit('workgroupBarrier();');
    const k = w.name('k');
    w.block(`for (var ${k} = 0u; ${k} < ${DEPTH}u; ${k} += ${BLOCK}u)`, () => {
      const [valueA, valueB] = [fromA.read('thread / 16u', k), fromB.read('thread % 16u', k)];
      for (const d of block) {
        const line =
          valueB.vector(d) ?? w.let('line', `vec4<f32>(${block.map((c) => valueB.at(c, d))})`);
        for (const r of block) w.emit(`${sums[r]} += ${valueA.at(r, d)} * ${line};`);
      }
    });
    w.emit('workgroupBarrier();');
  });
  const row = w.let('row', `${row0} + thread / 16u * ${BLOCK}u`);
  const column = w.let('column', `${column0} + thread % 16u * ${BLOCK}u`);
  w.block(`if (${row} < ${heightText} && ${column} < ${widthText})`, () =>
    storeBlock(
      w,
      product,
      out,
      { at, row, column, height: heightText, width: widthText },
      sums,
      space,
    ),
  );
  return down * across * sizeOfAxes(batch);

  /** One operand's part of the tile in workgroup memory. */
  function piece(
    writer: KernelWriter,
    { dense, window }: Side,
    base: Base,
    [first, size]: readonly [string, string],
    lines: Product['rows'],
  ) {
    const array = writer.workgroupArray('vec4<f32>', SHARED_THREADS);
    const byLines = dense === 'lines';
    // Vectors lie along the lines, one step of the depth after the other, or along the depth, line after line.
    const [line, deep] = byLines
      ? [`${first} + thread % 16u * ${BLOCK}u`, 'thread / 16u']
      : [`${first} + thread / ${DEPTH / BLOCK}u`, `thread % ${DEPTH / BLOCK}u * ${BLOCK}u`];
    const lineName = writer.let('line', byLines ? line : `min(${line}, ${size} - 1u)`);
    const point = decompose(writer, lineName, lines, space);
    const start = writer.let(
      'at',
      indexOf(writer, base, alongOf([...batch, ...lines], [...at, ...point], window)),
    );
    const from: Base = { ...base, start };
    return {
      fill(k: string): void {
        const first = writer.let('deep', `${k} + ${deep}`);
        const value = writer.name('value');
        writer.emit(`var ${value} = vec4<f32>();`);
        const index = (d: string): string =>
          indexOf(writer, from, alongOf(depth, decompose(writer, d, depth, space), window));
        const inside = byLines
          ? `${first} < ${depthText} && ${lineName} < ${size}`
          : `${first} < ${depthText}`;
        if (dense !== null)
          writer.block(`if (${inside})`, () =>
            writer.emit(`${value} = ${load4(writer, from, index(first))};`),
          );
        else
          for (const d of block) {
            const name = d === 0 ? first : writer.let('deep', `${first} + ${d}u`);
            writer.block(`if (${name} < ${depthText})`, () =>
              writer.emit(`${component(value, d)} = ${load(from, index(name))};`),
            );
          }
        writer.emit(`${array}[thread] = ${value};`);
      },
      read(mine: string, k: string) {
        const loaded = block.map((j) =>
          writer.let(
            byLines ? 'line' : 'deep',
            byLines
              ? `${array}[(${k} + ${j}u) * 16u + ${mine}]`
              : `${array}[(${mine} * ${BLOCK}u + ${j}u) * ${DEPTH / BLOCK}u + ${k} / ${BLOCK}u]`,
          ),
        );
        return byLines
          ? {
              at: (i: number, d: number) => component(loaded[d] as string, i),
              vector: (d: number) => loaded[d] as string,
            }
          : {
              at: (i: number, d: number) => component(loaded[i] as string, d),
              vector: () => null,
            };
      },
    };
  }
}

/**
 * Gather and scatter. A scatter adds in the order of its source rows, without atomics: rows of one index are linked into a
 * list first, by one workgroup that goes through all indices once, and then each list is walked by one thread per column.
 */
import type { Gather, Operand, Scatter } from '@ostinato/core/backend';
import { type Stored, typeNames } from '../wgsl/expression.ts';
import {
  type Along,
  type Base,
  emitBase,
  indexOf,
  load,
  type RowStride,
  type StoragePlace,
  store,
} from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';
import { type Context, emitPoints } from './space.ts';

const baseOf = (w: KernelWriter, o: Operand, { place, clock }: Context): Base =>
  emitBase(w, place(o.slot), o.dtype, o.offset, clock);

const axis = (size: number, stride = 1): { size: number; over: boolean; strides: number[] } => ({
  size,
  over: false,
  strides: [stride],
});

/** The index in the table's rows, or what fails `< rows`: a negative one is a large unsigned one. */
const asUnsigned = ({ dtype }: Base, value: string): string =>
  dtype === 'int32' ? `bitcast<u32>(${value})` : value;

const zero = { float32: '0.0f', int32: '0i', uint32: '0u', bool: 'false' } as const;

/** Gives the workgroups that a grid needs. */
export function emitGather(w: KernelWriter, gather: Gather, context: Context): number {
  const { space } = context;
  const [table, index] = gather.args.map((o) => baseOf(w, o, context)) as [Base, Base];
  const out = baseOf(w, gather.outs[0], context);
  const [n, d] = gather.shape;
  const size = w.let('size', w.param(gather.rows));
  const dtype = out.dtype as Stored;
  const [[tableRow, tableColumn], [indexRow], [outRow, outColumn]] = [
    ...gather.args,
    ...gather.outs,
  ].map((o) => o.strides) as unknown as Strides;
  // In a tile the first axis is that of its rows; else it is one more axis of points.
  const hasRows = space.kind === 'tile' && space.axis !== null;
  const axes = hasRows ? [axis(d)] : [axis(n), axis(d)];
  return emitPoints(w, axes, hasRows, space, (points, names) => {
    const column = points.at(-1) as string;
    const along = (row: number, rest: readonly Along[]): [Along[], RowStride | undefined] =>
      names
        ? [[...rest], { names, stride: row }]
        : [[{ index: points[0] as string, stride: row }, ...rest], undefined];
    const from = load(index, indexOf(w, index, ...along(indexRow, [])));
    const number = w.let('number', asUnsigned(index, from));
    const value = w.name('value');
    w.emit(`var ${value}: ${typeNames[dtype]} = ${zero[dtype]};`);
    w.block(`if (${number} < ${size})`, () => {
      const entry = indexOf(w, table, [
        { index: number, stride: tableRow },
        { index: column, stride: tableColumn },
      ]);
      w.emit(`${value} = ${load(table, entry)};`);
    });
    const to = indexOf(w, out, ...along(outRow, [{ index: column, stride: outColumn }]));
    w.emit(store(out, to, value));
  });
}

/** Of a gather's windows: table [row, column], index [row], out [row, column]. */
type Strides = readonly [readonly [number, number], readonly [number], readonly [number, number]];

/** Scratch of a scatter: the first and the last source row of each table row, and the next one of each source row. */
export interface Links {
  readonly first: StoragePlace;
  readonly last: StoragePlace;
  readonly next: StoragePlace;
}

/** No row. */
const NONE = '0xffffffffu';

const words = (w: KernelWriter, place: StoragePlace, { clock }: Context): Base =>
  emitBase(w, place, 'uint32', 0, clock);

/** Dispatch 1: no table row has a source yet. */
export function emitClearLinks(
  w: KernelWriter,
  { rows }: Scatter,
  links: Links,
  context: Context,
): number {
  const ends = [links.first, links.last].map((place) => words(w, place, context));
  return emitPoints(w, [axis(rows)], false, context.space, ([row]) => {
    for (const end of ends)
      w.emit(store(end, indexOf(w, end, [{ index: row as string, stride: 1 }]), NONE));
  });
}

/**
 * Dispatch 2, of a single workgroup: as many source rows at a time as it has threads. Each looks for the one before it
 * among these, in workgroup memory; where there is none it continues the list of its table row.
 */
export function emitLinks(
  w: KernelWriter,
  scatter: Scatter,
  links: Links,
  context: Context,
): number {
  const index = baseOf(w, scatter.args[1], context);
  const [first, last, next] = [links.first, links.last, links.next].map((place) =>
    words(w, place, context),
  ) as [Base, Base, Base];
  const stride = scatter.args[1].strides[0] as number;
  const at = (base: Base, i: string): string => indexOf(w, base, [{ index: i, stride: 1 }]);
  const size = w.let('size', w.param(scatter.rows));
  const count = w.let('count', w.param(scatter.shape[0]));
  const near = w.workgroupArray('u32', w.threads);
  const barrier = (): void => {
    w.emit('storageBarrier();');
    w.emit('workgroupBarrier();');
  };
  const begin = w.name('begin');
  w.block(`for (var ${begin} = 0u; ${begin} < ${count}; ${begin} += ${w.threads}u)`, () => {
    const i = w.let('i', `${begin} + thread`);
    // Beyond the last source row, as beyond the table: belongs to no list.
    const row = w.name('number');
    w.emit(`var ${row} = ${NONE};`);
    w.block(`if (${i} < ${count})`, () => {
      w.emit(
        `${row} = ${asUnsigned(index, load(index, indexOf(w, index, [{ index: i, stride }])))};`,
      );
      w.emit(store(next, at(next, i), NONE));
    });
    w.emit(`${near}[thread] = ${row};`);
    barrier();
    w.block(`if (${row} < ${size})`, () => {
      const before = w.name('j');
      w.emit(`var ${before} = thread;`);
      w.block(`while (${before} > 0u)`, () => {
        w.emit(`if (${near}[${before} - 1u] == ${row}) { break; }`);
        w.emit(`${before}--;`);
      });
      const end = w.let('end', load(last, at(last, row)));
      w.emit(`if (${before} > 0u) { ${store(next, at(next, `(${begin} + ${before} - 1u)`), i)} }`);
      w.emit(`else if (${end} == ${NONE}) { ${store(first, at(first, row), i)} }`);
      w.emit(`else { ${store(next, at(next, end), i)} }`);
    });
    barrier();
    // One thread for each table row: the one whose source row nobody came after.
    w.block(`if (${row} < ${size})`, () =>
      w.emit(`if (${load(next, at(next, i))} == ${NONE}) { ${store(last, at(last, row), i)} }`),
    );
    // The next round reads these only behind its first barrier.
  });
  return 1;
}

/** Dispatch 3: each element of the table walks its list, in the order of the source rows. */
export function emitSums(
  w: KernelWriter,
  scatter: Scatter,
  links: Links,
  context: Context,
): number {
  const x = baseOf(w, scatter.args[0], context);
  const out = baseOf(w, scatter.outs[0], context);
  const first = words(w, links.first, context);
  const next = words(w, links.next, context);
  const [, d] = scatter.shape;
  const strides = (o: Operand): readonly [number, number] => o.strides as [number, number];
  return emitPoints(w, [axis(scatter.rows), axis(d)], false, context.space, ([row, column]) => {
    const at = (base: Base, i: string, [a, b]: readonly [number, number]): string =>
      indexOf(w, base, [
        { index: i, stride: a },
        { index: column as string, stride: b },
      ]);
    const [total, i] = [w.name('total'), w.name('i')];
    w.emit(`var ${total} = ${zero[out.dtype as Stored]};`);
    w.emit(`var ${i} = ${load(first, indexOf(w, first, [{ index: row as string, stride: 1 }]))};`);
    w.block(`while (${i} != ${NONE})`, () => {
      w.emit(`${total} += ${load(x, at(x, i, strides(scatter.args[0])))};`);
      w.emit(`${i} = ${load(next, indexOf(w, next, [{ index: i, stride: 1 }]))};`);
    });
    w.emit(store(out, at(out, row as string, strides(scatter.outs[0])), total));
  });
}

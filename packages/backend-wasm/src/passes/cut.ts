/**
 * Cuts products of a time loop into columns, where a map adds them to each other in some of their columns only: those
 * can then be one sum (absorb.ts), as a GRU's gates are beside its candidate. Program to program; knows windows.
 */
import {
  type Contract,
  denseStrides,
  type Loop,
  mapSame,
  type Operand,
  type Program,
  type Scan,
  type Slot,
  sizeOf,
} from '@ostinato/core/backend';
import {
  areAdded,
  type Candidate,
  type Chain,
  type Columns,
  candidatesOf,
  chainsOf,
  columnsOf,
  termsOf,
} from './terms.ts';

/** Of every time loop's body. */
export const cut = (program: Program): Program => ({
  ...program,
  code: mapSame(program.code, (i) => (i.kind === 'scan' ? cutInScan(i) : i)),
});

const cutInScan = (scan: Scan): Scan =>
  scan.body.code.filter((i) => i.kind === 'loop').reduce(cutForLoop, scan);

function cutForLoop(scan: Scan, loop: Loop): Scan {
  const candidates = candidatesOf(scan.body, loop);
  const chains = candidates.length > 1 ? [...chainsOf(loop.body).values()] : [];
  for (const [k, a] of candidates.entries())
    for (const b of candidates.slice(k + 1)) {
      const pieces = piecesOf(loop, chains, a, b);
      if (pieces) return [a, b].reduce(cutProduct, { scan, loop, pieces }).scan;
    }
  return scan;
}

/** Panels are no wider: pieces of whole ones are computed as fast as the whole. */
const PANEL = 16;

/** Columns that are added to each other, and others; undefined where they are not two pieces. */
function piecesOf(
  loop: Loop,
  chains: readonly Chain[],
  a: Candidate,
  b: Candidate,
): readonly Columns[] | undefined {
  const [together, apart]: [Columns[], Columns[]] = [[], []];
  for (const chain of chains) {
    const list = areAdded(loop, chain, a, b) ? together : apart;
    for (const c of [a, b])
      list.push(...termsOf(loop, chain, c.slot).map((z) => columnsOf(loop, c, z)));
  }
  if (together.length === 0 || apart.length === 0) return undefined;
  const pieces = [hull(together), hull(apart)];
  const [p, q] = pieces as [Columns, Columns];
  const disjoint = p.high <= q.low || q.high <= p.low;
  const fits = ({ low, high }: Columns): boolean =>
    low >= 0 && high <= a.columns && (high - low) % PANEL === 0;
  return disjoint && a.columns === b.columns && pieces.every(fits) ? pieces : undefined;
}

const hull = (pieces: readonly Columns[]): Columns => ({
  low: Math.min(...pieces.map((p) => p.low)),
  high: Math.max(...pieces.map((p) => p.high)),
});

interface Cut {
  readonly scan: Scan;
  readonly loop: Loop;
  readonly pieces: readonly Columns[];
}

/** Each piece is a product with a place of its own, and the loop reads that. */
function cutProduct({ scan, loop, pieces }: Cut, candidate: Candidate): Cut {
  const { body, rows } = scan;
  const { contract, slot, columns } = candidate;
  const whole = body.slots[slot] as Slot;
  const slots = [...body.slots];
  const made = pieces.map((piece) => {
    const shape = contract.shape.with(-1, piece.high - piece.low);
    const size = sizeOf(shape);
    const index = slots.push({ dtype: whole.dtype, label: whole.label, size }) - 1;
    return { piece, slot: index, product: productOf(contract, piece, shape, index) };
  });
  const buffers = [...loop.buffers];
  const args = loop.args.map((z): Operand => {
    const seen = columnsOf(loop, candidate, z);
    const place = made.find(({ piece }) => seen.low >= piece.low && seen.high <= piece.high);
    if (z.slot !== slot || !place) return z;
    const width = place.piece.high - place.piece.low;
    const start = z.offset - contract.outs[0].offset;
    return {
      ...z,
      slot: place.slot,
      buffer: buffers.push({ source: 'slot', index: place.slot, access: 'read' }) - 1,
      offset: Math.floor(start / columns) * width + (start % columns) - place.piece.low,
      strides: z.strides.map((s) => (s % columns === 0 ? (s / columns) * width : s)),
    };
  });
  const reader: Loop = { ...loop, args, buffers };
  const at = body.code.indexOf(contract);
  const code = body.code
    .toSpliced(at, 1, ...made.map((m) => m.product))
    .map((i) => (i === loop ? reader : i));
  const axis = rows?.axis[at] ?? null;
  const rowOf = ({ product }: (typeof made)[number]): number | null =>
    axis === null ? null : (product.outs[0].strides[axis] as number);
  return {
    loop: reader,
    pieces,
    scan: {
      ...scan,
      body: { ...body, slots, code },
      ...(rows && {
        rows: {
          ...rows,
          axis: rows.axis.toSpliced(at, 1, ...made.map(() => axis)),
          stride: [...rows.stride, ...made.map(rowOf)],
        },
      }),
    },
  };
}

function productOf(
  contract: Contract,
  { low }: Columns,
  shape: readonly number[],
  slot: number,
): Contract {
  const [a, b] = contract.args;
  const shifted = (o: Operand): Operand => ({
    ...o,
    offset: o.offset + low * (o.strides[shape.length - 1] as number),
  });
  const out = { ...contract.outs[0], slot, buffer: contract.buffers.length, offset: 0 };
  return {
    ...contract,
    shape,
    args: [shifted(a), shifted(b)],
    outs: [{ ...out, strides: denseStrides(shape) }],
    buffers: [...contract.buffers, { source: 'slot', index: slot, access: 'write' }],
  };
}

/** Scans: each body forward and in reverse, of any length, with every way that its operands may lie. */
import {
  arg,
  type Backend,
  type Program,
  programBuilder,
  type SlotWindow,
  window,
} from '@ostinato/core/backend';
import {
  alone,
  type Body,
  batchMajor,
  counted,
  elman,
  lateReader,
  lookup,
  lstm,
  type MakeBody,
  mixing,
  nested,
  normed,
  stateless,
} from '../bodies.ts';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { type Random, random } from '../random.ts';
import { check } from '../run.ts';

/** How xs and ys lie in time. */
type Time = 'dense' | 'apart' | 'backward' | 'repeated';

interface Way {
  readonly length: number;
  readonly reverse?: boolean;
  readonly time?: Time;
  /** Finals take the place of init: the caller's donated slots, or slots of this program's scratch. */
  readonly finals?: 'apart' | 'donated' | 'scratch';
  readonly arenas?: number;
  /** Whether the backend is told that rows are independent. */
  readonly rows?: boolean;
}

type Slot = Program['slots'][number];

/** A program around one scan: its inputs are the body's, its outputs finals and ys. */
export function around(body: Body, way: Way): Program {
  const { program, consts, carries } = body;
  const { length, time = 'dense', finals: place = 'apart' } = way;
  const b = programBuilder();
  const slotOf = (k: number): Slot => program.slots[k] as Slot;
  const constSlots = program.inputs.slice(0, consts).map(slotOf);
  const carrySlots = program.inputs.slice(consts, consts + carries).map(slotOf);
  const xSlots = program.inputs.slice(consts + carries).map(slotOf);
  const ySlots = program.outputs.slice(carries).map(slotOf);

  const timed = (
    add: (label: string, dtype: Slot['dtype'], size: number) => number,
    { label, dtype, size }: Slot,
    how: Time,
  ): SlotWindow => {
    const stride = how === 'repeated' ? 0 : how === 'apart' ? size + 3 : size;
    const slot = add(label, dtype, (length - 1) * stride + size + 2);
    return how === 'backward'
      ? window(slot, [-stride], (length - 1) * stride + 2)
      : window(slot, [stride], 1);
  };
  const copy = (from: number, to: number, n: number): void => {
    b.loop({ shape: [n], args: [window(from, [1])], body: [arg(0)], outs: [window(to, [1])] });
  };

  const given = constSlots.map((s) => window(b.input(s.label, s.dtype, s.size)));
  const init = carrySlots.map(({ label, dtype, size }) => {
    if (place === 'donated') return window(b.donated(label, dtype, size));
    const slot = b.input(label, dtype, size);
    if (place !== 'scratch') return window(slot);
    const inside = b.scratch(label, dtype, size);
    copy(slot, inside, size);
    return window(inside);
  });
  const xs = xSlots.map((s) => timed(b.input, s, time));
  // Outs never repeat; donated, because what lies between the steps stays as it was.
  const ys = ySlots.map((s) => timed(b.donated, s, time === 'repeated' ? 'dense' : time));
  const finals =
    place === 'apart'
      ? carrySlots.map((s) => window(b.output(`${s.label} last`, s.dtype, s.size)))
      : init;
  const { reverse = false } = way;
  const rows = way.rows === false ? {} : { ...(body.rows && { rows: body.rows }) };
  b.scan({ length, reverse, body: program, consts: given, init, xs, finals, ys, ...rows });
  if (place === 'scratch')
    carrySlots.forEach((s, k) => {
      const out = b.output(`${s.label} last`, s.dtype, s.size);
      copy((init[k] as SlotWindow).slot, out, s.size);
    });
  return b.program({ arenas: way.arenas ?? 0 });
}

const bodies: { readonly [name: string]: MakeBody } = {
  'tanh(x + h W)': elman,
  LSTM: lstm,
  'a cell that normalises': normed,
  'a counter and a mask': counted,
  'carries that are read late and swapped': lateReader,
  'rows that mix': mixing,
  'gather and scatter': lookup,
  'no constants and no xs': alone,
  'no carry': stateless,
};

const sizesFor = (r: Random): { rows: number; units: number; arenas: number } => ({
  rows: r.pick([1, 2, 3, 5, 8]),
  units: r.pick([1, 3, 4, 7, 8]),
  arenas: r.pick([0, 1, 2]),
});

const each = (
  name: string,
  ways: readonly Way[],
  makes: readonly (readonly [string, (r: Random, way: Way) => Body])[],
): ConformanceCase[] =>
  makes.map(([what, make]) =>
    withBackend(`scans: ${what}, ${name}`, async (backend) => {
      for (const [k, way] of ways.entries()) {
        const r = random(`scans ${what} ${name} ${k}`);
        await check(backend, around(make(r, way), way), r);
      }
    }),
  );

const all = Object.entries(bodies).map(
  ([name, make]) => [name, (r: Random): Body => make(sizesFor(r))] as const,
);

/** The same program with and without what core says about rows. */
const withAndWithout = (ways: readonly Way[]): Way[] =>
  ways.flatMap((way) => [way, { ...way, rows: false }]);

const lengths = [1, 2, 3, 7];
const places = ['apart', 'donated', 'scratch'] as const;

/** Finals, init and ys of one scan in one arena with everything else, and two scans on the same values. */
async function twoScans(backend: Backend, arenas: number): Promise<void> {
  const r = random(`two scans ${arenas}`);
  const [rows, units, length] = [3, 4, 5];
  const { program, rows: known } = elman({ rows, units, arenas: 1 });
  const n = rows * units;
  const b = programBuilder();
  const w = window(b.input('w', 'float32', units * units));
  const x = b.input('x', 'float32', length * n);
  const zero = window(b.input('zero', 'float32', n));
  const [middle, first] = [b.scratch('ys', 'float32', length * n), b.scratch('h', 'float32', n)];
  const last = window(b.output('last', 'float32', n));
  const out = b.output('out', 'float32', length * n);
  const common = { length, body: program, consts: [w], ...(known && { rows: known }) };
  b.scan({
    ...common,
    init: [zero],
    xs: [window(x, [n])],
    finals: [window(first)],
    ys: [window(middle, [n])],
  });
  // The second layer runs the other way, from the first one's last state.
  const again = { init: [window(first)], xs: [window(middle, [n])], ys: [window(out, [n])] };
  b.scan({ ...common, ...again, reverse: true, finals: [last] });
  await check(backend, b.program({ arenas }), r);
}

export function scanCases({ size }: CaseOptions): ConformanceCase[] {
  const full = size === 'full';
  const larger = { rows: 17, units: 33, arenas: 1 };
  const long = full ? 300 : 60;
  const inner = (r: Random): Body =>
    nested(r.pick([elman, lstm, lateReader])(sizesFor(r)), r.whole(1, 4), r.whole(0, 1));
  return [
    ...each('forward', withAndWithout(lengths.map((length) => ({ length }))), all),
    ...each(
      'in reverse',
      withAndWithout(lengths.map((length) => ({ length, reverse: true }))),
      all,
    ),
    ...each(
      'finals in the place of init',
      lengths.flatMap((length) =>
        places.slice(1).flatMap((finals) => [0, 2].map((arenas) => ({ length, finals, arenas }))),
      ),
      all,
    ),
    ...each(
      'any time stride',
      (['apart', 'backward', 'repeated'] as const).flatMap((time) =>
        [false, true].flatMap((reverse) =>
          withAndWithout([{ length: 4, reverse, time, arenas: 1 }]),
        ),
      ),
      all,
    ),
    ...each(
      'several steps per step',
      [1, 2, 3].flatMap((length) =>
        [false, true].map((reverse) => ({ length, reverse, arenas: 1 })),
      ),
      [['a scan inside', inner]],
    ),
    ...each(
      'forward and in reverse',
      withAndWithout(
        [1, 2, 5].flatMap((length) => [false, true].map((reverse) => ({ length, reverse }))),
      ),
      [
        [
          'batch-major xs and ys',
          (r, way) => batchMajor({ ...sizesFor(r), arenas: 0 }, way.length),
        ],
      ],
    ),
    ...each('larger', withAndWithout([{ length: full ? 20 : 4, arenas: 1 }]), [
      ['LSTM', () => lstm(larger)],
      ['a cell that normalises', () => normed(larger)],
    ]),
    ...each(
      'many steps',
      [{ length: long }, { length: long + 1, reverse: true }],
      [
        ['tanh(x + h W)', () => elman({ rows: 2, units: 3, arenas: 1 })],
        ['no constants and no xs', () => alone({ rows: 2, units: 3, arenas: 1 })],
      ],
    ),
    withBackend('scans: two layers in arenas', async (backend) => {
      for (const arenas of [0, 1, 3]) await twoScans(backend, arenas);
    }),
  ];
}

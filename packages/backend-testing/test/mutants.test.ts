/** Plants bugs in a right backend: each must fail at least one case, or the suite would not catch it. */
import {
  apply,
  arg,
  type Backend,
  cast,
  constant,
  contractAsLoop,
  type Executable,
  type Expr,
  hostMemory,
  type Instr,
  type Kernels,
  kernelBackend,
  type Loop,
  type Memory,
  mapLeaves,
  type Operand,
  type Program,
  type Ref,
  referenceKernels,
  type Scan,
} from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { conformanceCases } from '../src/cases.ts';

type Host = ArrayBuffer;
const right = referenceKernels();

const withKernels = (kernels: Partial<Kernels<Host>>): Backend<Host> =>
  kernelBackend('mutant', hostMemory(), { ...right, ...kernels });

/** The loop kernel, given other loops than it was asked for. */
const withLoop = (change: (loop: Loop) => Loop): Backend<Host> =>
  withKernels({ loop: (i) => right.loop(change(i)) });

/** Ops replaced wherever they occur in a body. */
function rewrite(x: Expr, change: (x: Expr) => Expr): Expr {
  if (!('args' in x)) return change(x);
  return change({ ...x, args: x.args.map((a) => rewrite(a, change)) } as Expr);
}

const withOps = (change: (x: Expr) => Expr): Backend<Host> =>
  withLoop((i) => ({ ...i, body: i.body.map((x) => rewrite(x, change)) }));

const withPrograms = (change: (i: Instr) => Instr): Backend<Host> => {
  const backend = withKernels({});
  const go = (p: Program): Program => ({
    ...p,
    code: p.code.map((i) => change(i.kind === 'scan' ? { ...i, body: go(i.body) } : i)),
  });
  return { ...backend, compile: (program) => backend.compile(go(program)) };
};

const withScan = (change: (scan: Scan) => Scan): Backend<Host> =>
  withPrograms((i) => (i.kind === 'scan' ? change(i) : i));

const withMemory = (
  change: (memory: ReturnType<typeof hostMemory>) => Partial<Memory<Host>>,
): Backend<Host> => {
  const memory = hostMemory();
  return kernelBackend('mutant', { ...memory, ...change(memory) }, right);
};

const operands = (i: Loop, change: (o: Operand) => Operand): Loop => ({
  ...i,
  args: i.args.map(change),
  outs: i.outs.map(change),
});

const index = (
  o: Operand,
  change: (row: number) => number,
): ((refs: readonly Ref<Host>[]) => Ref<Host>[]) => {
  // The list of indices, changed, in a buffer of its own.
  return (refs) =>
    refs.map((ref, k) => {
      if (k !== o.buffer) return ref;
      const copy = ref.buffer.slice(0);
      const view = new Int32Array(copy);
      view.forEach((row, at) => {
        view[at] = change(row);
      });
      return { ...ref, buffer: copy };
    });
};

/** An op on int32, computed as floats and cast back: it saturates where it should wrap. */
const throughFloat = (op: 'add' | 'mul', dtype: 'float32' | 'float64'): Backend<Host> =>
  withLoop((i) => {
    if (![...i.args, ...i.outs].every((o) => o.dtype === 'int32')) return i;
    const change = (x: Expr): Expr =>
      x.op === op ? cast('int32', apply(op, ...x.args.map((a) => cast(dtype, a)))) : x;
    return { ...i, body: i.body.map((x) => rewrite(x, change)) };
  });

const mutants: { readonly [bug: string]: () => Backend<Host> } = {
  'max forgets NaN': () =>
    withLoop((i) =>
      i.combine === 'max' && i.over.length > 0
        ? {
            ...i,
            body: i.body.map((x, k) =>
              i.outs[k]?.dtype === 'float32'
                ? apply('select', apply('equal', x, x), x, constant(Number.NEGATIVE_INFINITY))
                : x,
            ),
          }
        : i,
    ),
  'min of nothing but infinity starts at the largest float': () =>
    withLoop((i) =>
      i.combine === 'min' && i.over.length > 0 && i.outs[0]?.dtype === 'float32'
        ? { ...i, body: i.body.map((x) => apply('min', x, constant(3.4e38))) }
        : i,
    ),
  'max starts at 0': () =>
    withLoop((i) =>
      i.combine === 'max' && i.over.length > 0
        ? { ...i, body: i.body.map((x, k) => apply('max', x, constant(0, i.outs[k]?.dtype))) }
        : i,
    ),
  'only the first body of a reduction': () =>
    withLoop((i) => (i.over.length > 0 ? { ...i, body: i.body.map(() => i.body[0] as Expr) } : i)),
  'gather clamps its index': () =>
    withKernels({
      gather: (i) => {
        const clamp = index(i.args[1], (row) => Math.min(i.rows - 1, Math.max(0, row)));
        const launch = right.gather(i);
        return (refs) => launch(clamp(refs));
      },
    }),
  'scatter counts negative indices from the end': () =>
    withKernels({
      scatter: (i) => {
        const turn = index(i.args[1], (row) => (row < 0 ? row + i.rows : row));
        const launch = right.scatter(i);
        return (refs) => launch(turn(refs));
      },
    }),
  'scatter overwrites': () =>
    withKernels({
      scatter: (i) => {
        const launch = right.scatter(i);
        return (refs) => {
          // Of repeated indices only the last counts.
          const seen = new Set<number>();
          const [n] = i.shape;
          const ids = refs[i.args[1].buffer] as Ref<Host>;
          const copy = ids.buffer.slice(0);
          const view = new Int32Array(copy, ids.offset);
          for (let k = n - 1; k >= 0; k--) {
            const at = i.args[1].offset + k * (i.args[1].strides[0] as number);
            if (seen.has(view[at] as number)) view[at] = -1;
            else seen.add(view[at] as number);
          }
          launch(refs.map((r, k) => (k === i.args[1].buffer ? { ...r, buffer: copy } : r)));
        };
      },
    }),
  'scatter adds to what was there': () =>
    withKernels({
      scatter: (i) => {
        const launch = right.scatter(i);
        const [out] = i.outs;
        return (refs) => {
          const { buffer } = refs[out.buffer] as Ref<Host>;
          const before = new Float32Array(buffer.slice(0));
          launch(refs);
          if (out.dtype === 'float32')
            new Float32Array(buffer).forEach((x, k, all) => {
              all[k] = x + (before[k] === x ? 0 : (before[k] as number));
            });
        };
      },
    }),
  'derived gather multiplies by 0 and 1': () =>
    kernelBackend('mutant', hostMemory(), {
      loop: (i) =>
        right.loop({
          ...i,
          body: i.body.map((x) =>
            x.op === 'select' && i.over.length === 1 && i.outs[0]?.dtype === 'float32'
              ? apply(
                  'mul',
                  apply('select', x.args[0] as Expr, constant(1), constant(0)),
                  x.args[1] as Expr,
                )
              : x,
          ),
        }),
    }),
  'reverse runs forward': () => withScan((s) => ({ ...s, reverse: false })),
  'xs and ys are dense in time': () =>
    withScan((s) => {
      const dense = (o: Operand, slot: number): Operand => ({
        ...o,
        strides: [Math.sign(o.strides[0] ?? 1) * (s.body.slots[slot]?.size ?? 1)],
      });
      const from = s.consts.length + s.init.length;
      return {
        ...s,
        xs: s.xs.map((o, k) => dense(o, s.body.inputs[from + k] as number)),
        ys: s.ys.map((o, k) => dense(o, s.body.outputs[s.init.length + k] as number)),
      };
    }),
  'the last step is left out': () => withScan((s) => ({ ...s, length: Math.max(1, s.length - 1) })),
  'carries are swapped': () =>
    withScan((s) => ({ ...s, finals: s.finals.length === 2 ? [...s.finals].reverse() : s.finals })),
  'one set of carries': () => withKernels({ scan: oneSetOfCarries }),
  'offsets of windows are ignored': () =>
    withLoop((i) => operands(i, (o) => ({ ...o, offset: 0 }))),
  'offsets of refs are ignored': () =>
    withKernels({
      loop: (i) => {
        const launch = right.loop(i);
        return (refs) => launch(refs.map((r) => ({ ...r, offset: 0 })));
      },
    }),
  'negative strides run forward': () =>
    withLoop((i) => ({
      ...i,
      args: i.args.map((o) => ({ ...o, strides: o.strides.map(Math.abs) })),
    })),
  'axis indices are swapped': () =>
    withLoop((i) => {
      const rank = i.shape.length + i.over.length;
      const swap = (l: Expr): Expr => (l.op === 'axis' ? { ...l, axis: rank - 1 - l.axis } : l);
      return { ...i, body: i.body.map((x) => mapLeaves(x, swap)) };
    }),
  'later outs see earlier ones': () =>
    withKernels({
      loop: (i) => {
        if (i.over.length > 0) return right.loop(i);
        const launches = i.outs.map((o, k) =>
          right.loop({ ...i, body: [i.body[k] as Expr], outs: [o] }),
        );
        return (refs) => {
          for (const launch of launches) launch(refs);
        };
      },
    }),
  'products skip zeros': () =>
    withKernels({
      contract: (i) =>
        right.loop({
          ...contractAsLoop(i),
          body: [
            apply(
              'select',
              apply('equal', arg(0), constant(0)),
              constant(0),
              apply('mul', arg(0), arg(1)),
            ),
          ],
        }),
    }),
  'products write transposed': () =>
    withKernels({
      contract: (i) =>
        right.contract({
          ...i,
          outs: [
            i.shape.length === 2 && i.shape[0] === i.shape[1]
              ? { ...i.outs[0], strides: [...i.outs[0].strides].reverse() }
              : i.outs[0],
          ],
        }),
    }),
  'int32 sums saturate': () => throughFloat('add', 'float64'),
  'int32 products through float32': () => throughFloat('mul', 'float32'),
  'shifts fill with zeros': () =>
    withLoop((i) => ({
      ...i,
      body: i.body.map((x) =>
        rewrite(x, (y) =>
          y.op === 'shr' && i.args.every((a) => a.dtype === 'int32')
            ? cast('int32', apply('shr', ...y.args.map((a) => cast('uint32', a))))
            : y,
        ),
      ),
    })),
  'tanh overflows': () =>
    withOps((x) => {
      if (x.op !== 'tanh') return x;
      const [a] = x.args as [Expr];
      const [p, q] = [apply('exp', a), apply('exp', apply('neg', a))];
      return apply('div', apply('sub', p, q), apply('add', p, q));
    }),
  'casts of NaN to whole numbers': () =>
    withOps((x) => (x.op === 'cast' && x.dtype === 'bool' ? { ...x, args: [apply('not', x)] } : x)),
  'bool is any number': () =>
    withLoop((i) => ({
      ...i,
      body: i.body.map((x) => rewrite(x, (y) => (y.op === 'not' ? (y.args[0] as Expr) : y))),
    })),
  'new memory holds what was there': () =>
    withMemory((memory) => ({
      alloc(bytes) {
        const buffer = memory.alloc(bytes);
        new Uint8Array(buffer).fill(1);
        return buffer;
      },
    })),
  'a read is a view': () =>
    withMemory(() => ({
      read: async (buffer, at = 0, bytes = buffer.byteLength - at) =>
        new Uint8Array(buffer, at, bytes),
    })),
  'a view begins where its buffer does': () =>
    withMemory(() => ({ view: (buffer, _at, bytes) => new Uint8Array(buffer, 0, bytes) })),
  'a view ends where its buffer does': () =>
    withMemory(() => ({ view: (buffer, at) => new Uint8Array(buffer, at) })),
  'a view is kept': () => {
    const kept = new WeakMap<Host, Uint8Array>();
    return withMemory((memory) => ({
      view(buffer, at, bytes) {
        const all = kept.get(buffer) ?? new Uint8Array(buffer).slice();
        kept.set(buffer, all);
        return memory.isLive(buffer) ? all.subarray(at, at + bytes) : undefined;
      },
    }));
  },
  'a read into an array starts where its memory does': () =>
    withMemory((memory) => ({
      async read(buffer, at, bytes, into) {
        const copy = await memory.read(buffer, at, bytes);
        if (into?.length !== copy.length) return copy;
        new Uint8Array(into.buffer).set(copy);
        return into;
      },
    })),
  'a read into an array happens later': () =>
    withMemory((memory) => ({
      async read(buffer, at = 0, bytes = buffer.byteLength - at, into) {
        await null;
        return memory.read(buffer, at, bytes, into);
      },
    })),
  'an array without memory is read into': () =>
    withMemory((memory) => ({
      async read(buffer, at = 0, bytes = buffer.byteLength - at, into) {
        const copy = await memory.read(buffer, at, bytes);
        into?.set(copy.subarray(0, into.length));
        return into ?? copy;
      },
    })),
  'a write happens later': () =>
    withMemory((memory) => ({
      write: (buffer, data, at) =>
        queueMicrotask(() => {
          if (memory.isLive(buffer)) memory.write(buffer, data, at);
        }),
    })),
  'one executable for all': () => {
    const backend = withKernels({});
    let last: Executable<Host>;
    return {
      ...backend,
      async compile(program) {
        last = await backend.compile(program);
        return { run: (inputs, outputs) => last.run(inputs, outputs), dispose() {} };
      },
    };
  },
};

/** A time loop that writes the next carry over the one that the step still reads. */
async function oneSetOfCarries(
  scan: Scan,
): Promise<Awaited<ReturnType<NonNullable<Kernels<Host>['scan']>>>> {
  const inner = kernelBackend('inner', hostMemory(), right);
  const executable = await inner.compile(scan.body);
  const size = (o: Operand): number => (o.dtype === 'float64' ? 8 : 4);
  return {
    launch(refs) {
      const at = (o: Operand, t: number): Ref<Host> => {
        const { buffer, offset } = refs[o.buffer] as Ref<Host>;
        return { buffer, offset: offset + (o.offset + t * (o.strides[0] ?? 0)) * size(o) };
      };
      const finals = scan.finals.map((o) => at(o, 0));
      scan.init.forEach((o, k) => {
        const from = at(o, 0);
        const to = finals[k] as Ref<Host>;
        const slot = scan.body.slots[scan.body.outputs[k] as number];
        const bytes = (slot?.size ?? 0) * size(o);
        new Uint8Array(to.buffer, to.offset, bytes).set(
          new Uint8Array(from.buffer, from.offset, bytes),
        );
      });
      for (let n = 0; n < scan.length; n++) {
        const t = scan.reverse ? scan.length - 1 - n : n;
        const consts = scan.consts.map((o) => at(o, 0));
        const xs = scan.xs.map((o) => at(o, t));
        executable.run([...consts, ...finals, ...xs], [...finals, ...scan.ys.map((o) => at(o, t))]);
      }
    },
    dispose: () => executable.dispose(),
  };
}

describe('planted bugs', () => {
  const cases = conformanceCases({ size: 'quick' });

  test('without a bug, every case passes', async () => {
    for (const { run } of cases) await run(() => withKernels({}));
  });

  test.each(Object.entries(mutants))('%s', async (_, create) => {
    const caught: string[] = [];
    for (const { name, run } of cases)
      await run(create).catch(() => {
        caught.push(name);
      });
    expect(caught, `caught by ${caught.length} cases`).not.toEqual([]);
    // A bug that fails everything would show little about the cases.
    expect(caught.length).toBeLessThan(cases.length);
  });
});

test('a backend that is off by a few units in the last place passes', async () => {
  let k = 0;
  const noise = (): number => ((++k * 2654435761) % 1000) / 1000 - 0.5;
  const off = (x: Expr): Expr => {
    const transcendental = [
      'exp',
      'log',
      'sin',
      'cos',
      'tanh',
      'sigmoid',
      'erf',
      'pow',
      'div',
      'sqrt',
    ];
    return transcendental.includes(x.op) && typesOf(x)
      ? apply('mul', x, constant(1 + 8 * 2 ** -23 * noise()))
      : x;
  };
  // Loops on floats alone, where the type of every part is known.
  const typesOf = (x: Expr): boolean => 'args' in x;
  const backend = (): Backend<Host> =>
    withLoop((i) =>
      [...i.args, ...i.outs].every((o) => o.dtype === 'float32')
        ? { ...i, body: i.body.map((x) => rewrite(x, off)) }
        : i,
    );
  for (const { run } of conformanceCases({ size: 'full' })) await run(backend);
});

/**
 * A whole backend: four memory functions and one kernel. Core derives the rest (products, gather, scatter, the time
 * loop), so it runs and trains every cell; `test/own-backend.test.ts` shows that it is right. Make it fast by adding
 * kernels one at a time: `contract` first.
 */
import {
  apply,
  arg,
  type Backend,
  evaluator,
  kernelBackend,
  type Launch,
  type Loop,
  type Memory,
  type Operand,
  programBuilder,
  viewOf,
  window,
} from '@ostinato/core/backend';

/** A buffer of this backend may be anything. Here: host memory. */
const memory: Memory<ArrayBuffer> = {
  alloc: (bytes) => new ArrayBuffer(bytes),
  free: () => {},
  write: (buffer, data, at = 0) => new Uint8Array(buffer).set(data, at),
  read: async (buffer, at = 0, bytes = buffer.byteLength - at) =>
    new Uint8Array(buffer.slice(at, at + bytes)),
};

/**
 * out[i] = body(args[i]) at every point i of `shape`; with `over`, combined over all points j of `over`. Called once
 * per kernel; what it returns runs once per launch, with the place of each buffer.
 */
function loop({ shape, over, combine, args, body, outs }: Loop): Launch<ArrayBuffer> {
  const evaluate = evaluator(
    body,
    args.map((a) => a.dtype),
  );
  return (refs) => {
    // Each operand as a typed array, and where its first element lies: its own offset, after the buffer's.
    const open = (o: Operand) => {
      const { buffer, offset } = refs[o.buffer] ?? { buffer: new ArrayBuffer(0), offset: 0 };
      const data = viewOf(o.dtype, buffer);
      return { data, strides: o.strides, start: offset / data.BYTES_PER_ELEMENT + o.offset };
    };
    const sources = args.map(open);
    const targets = outs.map(open);
    // Strides that an out lacks (those of `over`) count as 0.
    const place = (o: ReturnType<typeof open>, index: readonly number[]) =>
      o.strides.reduce((at, stride, axis) => at + stride * (index[axis] ?? 0), o.start);
    const valuesAt = (index: readonly number[]) =>
      evaluate(
        sources.map((s) => s.data[place(s, index)] ?? 0),
        index,
      );

    for (const i of points(shape)) {
      const [first, ...rest] = points(over);
      const total = [...valuesAt([...i, ...(first ?? [])])];
      for (const j of rest)
        valuesAt([...i, ...j]).forEach((y, k) => {
          total[k] = combined[combine](total[k] ?? 0, y);
        });
      targets.forEach((t, k) => {
        // Typed arrays round floats and wrap whole numbers.
        t.data[place(t, i)] = total[k] ?? 0;
      });
    }
  };
}

const combined = { sum: (a: number, b: number) => a + b, max: Math.max, min: Math.min };

/** All indices of a shape: of [2, 3] these are [0, 0], [0, 1], [0, 2], [1, 0], ... */
const points = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, n) => all.flatMap((i) => Array.from({ length: n }, (_, k) => [...i, k])),
    [[]],
  );

export const ownBackend = (): Backend<ArrayBuffer> => kernelBackend('own', memory, { loop });

if (import.meta.main) {
  const b = programBuilder();
  const [x, y] = [b.input('x', 'float32', 4), b.output('y', 'float32', 4)];
  b.loop({
    shape: [4],
    args: [window(x, [1])],
    body: [apply('tanh', arg(0))],
    outs: [window(y, [1])],
  });
  const backend = ownBackend();
  const executable = await backend.compile(b.program());
  const [from, to] = [backend.alloc(16), backend.alloc(16)];
  backend.write(from, new Uint8Array(Float32Array.of(-1, 0, 1, 2).buffer));
  executable.run([{ buffer: from, offset: 0 }], [{ buffer: to, offset: 0 }]);
  console.log('tanh', new Float32Array((await backend.read(to)).buffer));
}

import { expect, test } from 'vitest';
import {
  apply,
  arg,
  axisIndex,
  cast,
  constant,
  printProgram,
  programBuilder,
  window,
} from '../src/backend/index.ts';

test('loops, products, gather and scatter', () => {
  const b = programBuilder();
  const x = b.input('x', 'float32', 12);
  const w = b.donated('w', 'float32', 20);
  const ids = b.input('ids', 'int32', 3);
  const z = b.scratch('z', 'float32', 15);
  const y = b.output('y', 'float32', 15);
  const sums = b.output('sums', 'float32', 3);
  b.contract({
    shape: [3, 5],
    over: [4],
    args: [window(x, [4, 0, 1]), window(w, [0, 1, 5])],
    out: window(z, [5, 1]),
  });
  const shared = apply('tanh', apply('add', arg(0), cast('float32', axisIndex(1))));
  const body = [apply('mul', shared, apply('sub', constant(1), shared))];
  b.loop({ shape: [3, 5], args: [window(z, [5, 1])], body, outs: [window(z, [5, 1])] });
  const rows = [window(z, [5, 1]), window(ids, [1])] as const;
  b.gather({ rows: 3, shape: [3, 5], args: rows, out: window(y, [5, 1]) });
  b.scatter({ rows: 4, shape: [3, 5], args: rows, out: window(w, [5, 1]) });
  const flipped = [window(y, [5, -1], 4)];
  b.loop({
    shape: [3],
    over: [5],
    combine: 'max',
    args: flipped,
    body: [arg(0)],
    outs: [window(sums, [1])],
  });
  expect(printProgram(b.program({ arenas: 1 }))).toMatchInlineSnapshot(`
    "in  %0 x: float32[12], %1 w: float32[20], %2 ids: int32[3]
    out %1 w: float32[20], %4 y: float32[15], %5 sums: float32[3]
    donated %1
    scratch 64 bytes
    contract [3,5] over [4] %0 x<4,0,1> * %1 w<0,1,5> -> %3 z<5,1>
    loop [3,5]
        v0 = tanh((%3 z<5,1> + float32(i1)))
        %3 z<5,1> = (v0 * (1 - v0))
    gather [3,5] rows 3 %3 z<5,1> by %2 ids<1> -> %4 y<5,1>
    scatter [3,5] rows 4 %3 z<5,1> by %2 ids<1> -> %1 w<5,1>
    loop [3] max over [5]
        %5 sums<1> = %4 y+4<5,-1>"
  `);
});

test('a scan shows its body', () => {
  const inner = programBuilder();
  const [h, x] = [inner.input('h', 'float32', 2), inner.input('x', 'float32', 2)];
  const next = inner.output('next', 'float32', 2);
  const args = [window(h, [1]), window(x, [1])];
  const body = [apply('add', apply('mul', arg(0), constant(0.5)), arg(1))];
  inner.loop({ shape: [2], args, body, outs: [window(next, [1])] });
  const b = programBuilder();
  const [state, xs] = [b.donated('h', 'float32', 2), b.input('xs', 'float32', 10)];
  b.scan({
    label: 'decay',
    length: 5,
    reverse: true,
    body: inner.program(),
    init: [window(state)],
    xs: [window(xs, [2])],
    finals: [window(state)],
    why: 'a test',
  });
  expect(printProgram(b.program())).toMatchInlineSnapshot(`
    "in  %0 h: float32[2], %1 xs: float32[10]
    out %0 h: float32[2]
    donated %0
    scan decay 5 steps reverse, rows mix (a test)
        init %0 h<>
        xs %1 xs<2>
        finals %0 h<>
        | in  %0 h: float32[2], %1 x: float32[2]
        | out %2 next: float32[2]
        | loop [2]
        |     %2 next<1> = ((%0 h<1> * 0.5) + %1 x<1>)"
  `);
});

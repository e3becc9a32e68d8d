/** Starting values of parameters, as graphs over a random key. */
import {
  add,
  broadcastTo,
  cast,
  div,
  equal,
  expandDims,
  fail,
  iota,
  type Key,
  less,
  lessEqual,
  matmul,
  mul,
  normal,
  scan,
  sqrt,
  sub,
  sum,
  type Tensor,
  transpose,
  uniform,
  where,
} from '@ostinato/core';

/**
 * Uniform in +-sqrt(6 / (inputs + outputs)) for a matrix [inputs, outputs] (Glorot & Bengio 2010). Gates that share
 * one matrix count together, as in Keras.
 */
export function glorotUniform(key: Key, shape: readonly [inputs: number, outputs: number]): Tensor {
  checkMatrix('glorotUniform', shape);
  const limit = Math.sqrt(6 / (shape[0] + shape[1]));
  return uniform(key, shape, { low: -limit, high: limit });
}

function checkMatrix(what: string, shape: readonly number[]): void {
  if (shape.length !== 2)
    fail('option-invalid', `${what}: shape [${shape}] is no matrix. Give two sizes.`);
}

/**
 * A matrix whose rows (or columns, whichever are fewer) are orthonormal, drawn uniformly among all such (Saxe et al.
 * 2013), as in Keras. A product of random reflections (Stewart 1980): exact, and one loop over the smaller side.
 */
export function orthogonal(key: Key, shape: readonly [rows: number, columns: number]): Tensor {
  const [rows, columns] = shape;
  checkMatrix('orthogonal', shape);
  if (rows > columns) return transpose(orthogonal(key, [columns, rows]));
  const drawn = normal(key, shape);
  const [row, column] = [iota(shape, 0), iota(shape, 1)];
  const onDiagonal = equal(row, column);
  const g = where(lessEqual(row, column), drawn, 0); // row k is a random vector of the axes from k on
  const sign = where(less(g, 0), -1, 1);
  const length = (x: Tensor): Tensor => {
    const squares = sum(mul(x, x), { axes: 1, keepDims: true });
    // The last row of a square matrix is one number, which may be 0.
    return broadcastTo(sqrt(where(equal(squares, 0), 1, squares)), shape);
  };
  const v = where(onDiagonal, add(g, mul(cast(sign, 'float32'), length(g))), g);
  const reflections = mul(div(v, length(v)), Math.SQRT2); // row k: I - v v' maps axis k onto g
  const start = where(onDiagonal, sub(0, sign), 0);
  const [q] = scan(
    (x: Tensor, w: Tensor) => {
      const along = expandDims(matmul(x, w), 1); // [rows, 1]
      const across = expandDims(w, 0); // [1, columns]
      return [sub(x, mul(broadcastTo(along, shape), broadcastTo(across, shape))), null];
    },
    start,
    reflections,
    { reverse: true, label: 'orthogonal' },
  );
  return q;
}

/** A recurrent layer as an ONNX file: the few fields of its protocol buffer that this takes. */
import { gates, type HostTensor, type Sequences, sequenceWeights } from '../sequences.ts';

type Bytes = readonly number[] | Uint8Array;

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return [...out, rest];
}

const join = (parts: readonly Bytes[]): Uint8Array =>
  Buffer.concat(parts.map((p) => Buffer.from(p)));
const integer = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const message = (field: number, ...parts: readonly Bytes[]): Bytes => {
  const content = join(parts);
  return join([varint(field * 8 + 2), varint(content.length), content]);
};
const text = (field: number, value: string): Bytes => message(field, Buffer.from(value));

const FLOAT = 1;
const INT = 2;

const attribute = (name: string, value: number): Bytes =>
  message(5, text(1, name), integer(3, value), integer(20, INT));

const initializer = (name: string, { data, shape }: HostTensor): Bytes =>
  message(
    5,
    ...shape.map((n) => integer(1, n)),
    integer(2, FLOAT),
    text(8, name),
    message(9, new Uint8Array(data.buffer)),
  );

const value = (field: 11 | 12, name: string, shape: readonly number[]): Bytes => {
  const dimensions = shape.map((n) => message(1, integer(1, n)));
  const type = message(1, integer(1, FLOAT), message(2, ...dimensions));
  return message(field, text(1, name), message(2, type));
};

/** Where ONNX has each of our gates: input, output, forget, candidate; update, reset, candidate. */
const order = { lstm: [0, 3, 1, 2], gru: [1, 0, 2] } as const;

/** From [rows, gates * units] to [1, gates * units, rows]. */
function onnxWeights({ cell, units }: Sequences, { data, shape }: HostTensor): HostTensor {
  if (cell === 'normed') throw new Error("ONNX has no operator for a cell of one's own");
  const [rows, columns] =
    shape.length === 1 ? [1, shape[0] as number] : (shape as [number, number]);
  const out = new Float32Array(data.length);
  order[cell].forEach((gate, place) => {
    for (let unit = 0; unit < units; unit++)
      for (let row = 0; row < rows; row++)
        out[(place * units + unit) * rows + row] = data[
          row * columns + gate * units + unit
        ] as number;
  });
  return { data: out, shape: [1, columns, rows] };
}

/** Input x [time, batch, inputs], output y [time, 1, batch, units]. */
export function onnxModel(sequences: Sequences): Uint8Array {
  const { cell, reset, batch, time, inputs, units } = sequences;
  const weights = sequenceWeights(sequences);
  const [w, r, b, d] = [weights.kernel, weights.recurrent, weights.bias, weights.recurrentBias].map(
    (tensor) => onnxWeights(sequences, tensor),
  ) as [HostTensor, HostTensor, HostTensor, HostTensor];
  const biases = Float32Array.from([...b.data, ...d.data]);
  const node = message(
    1,
    ...['x', 'w', 'r', 'b'].map((name) => text(1, name)),
    text(2, 'y'),
    text(4, cell.toUpperCase()),
    attribute('hidden_size', units),
    ...(cell === 'gru' ? [attribute('linear_before_reset', reset === 'after' ? 1 : 0)] : []),
  );
  const graph = message(
    7,
    node,
    text(2, cell),
    initializer('w', w),
    initializer('r', r),
    initializer('b', { data: biases, shape: [1, 2 * gates[cell] * units] }),
    value(11, 'x', [time, batch, inputs]),
    value(12, 'y', [time, 1, batch, units]),
  );
  return join([integer(1, 8), graph, message(8, text(1, ''), integer(2, 14))]);
}

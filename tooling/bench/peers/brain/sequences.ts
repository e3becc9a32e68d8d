/**
 * Inference of a GRU with brain.js, whose equations are those of ours that resets before the product. It takes one
 * sequence at a time, so a batch is a loop. It cannot do without its output layer, which is the identity here.
 */
import { createRequire } from 'node:module';
import { serve, spec } from '../../harness/serve.ts';
import {
  type HostTensor,
  type Sequences,
  sample,
  sequenceData,
  sequenceWeights,
} from '../sequences.ts';

/** Multiplied with columns, so [units, rows of ours]. */
interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly weights: Float32Array;
}

interface Brain {
  readonly recurrent: {
    readonly GRUTimeStep: new () => {
      fromJSON(json: object): void;
      /** Of all steps; returns the output of the last. */
      run(sequence: readonly Float32Array[]): Float32Array;
      /** What each step computed, in order; the output is last. */
      readonly model: { readonly equations: { readonly states: { readonly product: Matrix }[] }[] };
    };
  };
}

const sequences = spec<Sequences>();
const { cell, mode, bias, reset, batch, time, inputs, units } = sequences;
if (cell !== 'gru' || mode !== 'inference' || bias !== 'one' || reset !== 'before')
  throw new Error(
    'brain.js is here for a GRU that infers, with one bias, and resets before the product',
  );
const brain = createRequire(`${process.cwd()}/`)('brain.js') as Brain;

const places = { reset: 0, update: 1, candidate: 2 } as const;
const weights = sequenceWeights(sequences);

/** One gate of [rows, 3 * units], transposed. */
function gateOf({ data, shape }: HostTensor, gate: keyof typeof places): Matrix {
  const columns = shape.length === 1 ? 1 : (shape[0] as number);
  const from = (unit: number, row: number): number => (row * 3 + places[gate]) * units + unit;
  const out = Float32Array.from(
    { length: units * columns },
    (_, i) => data[from(Math.floor(i / columns), i % columns)] as number,
  );
  return { rows: units, columns, weights: out };
}

const identity = Float32Array.from({ length: units * units }, (_, i) =>
  i % (units + 1) === 0 ? 1 : 0,
);
const net = new brain.recurrent.GRUTimeStep();
net.fromJSON({
  options: { inputSize: inputs, hiddenLayers: [units], outputSize: units },
  hiddenLayers: [
    {
      resetGateInputMatrix: gateOf(weights.kernel, 'reset'),
      resetGateHiddenMatrix: gateOf(weights.recurrent, 'reset'),
      resetGateBias: gateOf(weights.bias, 'reset'),
      updateGateInputMatrix: gateOf(weights.kernel, 'update'),
      updateGateHiddenMatrix: gateOf(weights.recurrent, 'update'),
      updateGateBias: gateOf(weights.bias, 'update'),
      cellWriteInputMatrix: gateOf(weights.kernel, 'candidate'),
      cellWriteHiddenMatrix: gateOf(weights.recurrent, 'candidate'),
      cellWriteBias: gateOf(weights.bias, 'candidate'),
    },
  ],
  outputConnector: { rows: units, columns: units, weights: identity },
  output: { rows: units, columns: 1, weights: new Float32Array(units) },
});

const { data } = sequenceData(sequences).input;
const row = (i: number): Float32Array => data.subarray(i * inputs, (i + 1) * inputs);
const rows = Array.from({ length: batch }, (_, b) =>
  Array.from({ length: time }, (_, t) => row(b * time + t)),
);

async function step(): Promise<Float32Array> {
  const outputs = new Float32Array(batch * time * units);
  rows.forEach((sequence, b) => {
    net.run(sequence);
    for (let t = 0; t < time; t++) {
      const output = net.model.equations[t]?.states.at(-1) as { readonly product: Matrix };
      outputs.set(output.product.weights, (b * time + t) * units);
    }
  });
  return outputs;
}

await serve({ step, check: async () => sample(await step()) });

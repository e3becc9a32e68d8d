/**
 * backend-wasm against JavaScript's other libraries, one thread each: a training step of a sentiment classifier at
 * T = 100 and 500, and inference of one layer.
 *
 * brain.js infers with a GRU only. Its LSTM carries no cell state: it forgets a part of its last output instead, so that
 * no weights make it compute an LSTM. It trains on one sequence at a time, to foretell the next element, with an
 * optimiser of its own.
 */
import type { Case } from './harness/compare.ts';
import { runCases } from './harness/run.ts';
import type { SideOptions } from './harness/side.ts';
import { gates, type Reviews } from './peers/reviews.ts';
import type { Sequences } from './peers/sequences.ts';
import {
  brainSide,
  jaxSide,
  onWasm,
  ortSides,
  sequenceCase,
  tfjsNodeSides,
  tfjsSides,
  torchSides,
  versions,
} from './peers/sides.ts';

const [tfjs, tfjsNode, jax, ort, brain, torch] = [
  await tfjsSides(),
  await tfjsNodeSides(),
  await jaxSide(),
  await ortSides(),
  await brainSide(),
  await torchSides('reviews'),
];
const threads = 1;

function training(time: number): Case {
  const spec = {
    cell: 'lstm',
    words: 10_000,
    batch: 64,
    time,
    features: 64,
    units: 64,
    learningRate: 1e-3,
    epsilon: 1e-7,
    checked: 3,
    threads,
  } as const satisfies Reviews & { threads: number };
  const { cell, batch, features, units } = spec;
  const ours = { work: 'reviews', spec };
  return {
    case: 't16-wasm',
    cell,
    mode: 'training',
    shape: [batch, time, features, units],
    flops: 3 * 2 * batch * time * (features + units) * gates[cell] * units,
    inputGradient: true,
    ours: [onWasm('best', ours), onWasm('simd128', ours)],
    peers: [
      ...tfjsNode('reviews', spec),
      ...[tfjs.wasm, tfjs.cpu, jax].map((peer) => peer('reviews', spec)),
      ...torch(spec),
    ],
    tolerance: 1e-5,
  };
}

function inference(
  cell: 'lstm' | 'gru',
  [batch, time, inputs, units]: readonly [number, number, number, number],
): Case {
  const how = { bias: 'one', reset: 'before', learningRate: 0, threads } as const;
  const spec: Sequences = { cell, mode: 'inference', batch, time, inputs, units, ...how };
  const ours = { work: 'sequences', spec };
  const peers: SideOptions[] = [
    ort.node('sequences', spec),
    ort.web('sequences', spec),
    ...tfjsNode('sequences', spec),
    tfjs.wasm('sequences', spec),
  ];
  if (cell === 'lstm') peers.push(jax('sequences', spec));
  // At 512 units, and for a GRU, tfjs on its cpu backend takes from 1 to 30 seconds.
  if (cell === 'lstm' && units < 512) peers.push(tfjs.cpu('sequences', spec));
  // At 512 units brain.js takes 15 seconds.
  if (cell === 'gru' && units < 512) peers.push(brain('sequences', spec));
  return {
    ...sequenceCase('peers', spec),
    ours: [onWasm('best', ours), onWasm('simd128', ours)],
    peers,
  };
}

const shapes = [
  [1, 100, 64, 128],
  [32, 100, 64, 64],
  [64, 50, 512, 512],
] as const;
await runCases(
  [
    ...[100, 500].map(training),
    ...(['lstm', 'gru'] as const).flatMap((cell) => shapes.map((shape) => inference(cell, shape))),
  ],
  [
    "t16-wasm: embedding of 10 000 words, LSTM, dense, binary cross-entropy, Adam; the gradient of the layer's input is included: it trains the embedding",
    'peers: inference, all outputs, as each library gives them; one bias, and the GRU resets before the product, as tfjs does',
    `tfjs ${versions.tfjs} gets a scatter-add of ours as the gradient of its embedding: on wasm it has none, on cpu its own takes minutes a step; tfjs-node, which is native code, has its own`,
    `jax-js ${versions.jax} has no scan: T is unrolled into one program, which takes minutes to compile at T = 500, and its embedding is looked up and scattered outside of it`,
    `onnxruntime ${versions.ort} cannot train`,
    `brain.js ${versions.brain} takes one sequence at a time and runs its output layer too, which is the identity here; its LSTM has no cell state, and it trains with an optimiser of its own: left out`,
  ],
);

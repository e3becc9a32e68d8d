/** Inference of an LSTM written with jax-js, in one jit. */
import { serve, spec } from '../../harness/serve.ts';
import {
  type HostTensor,
  type Sequences,
  sample,
  sequenceData,
  sequenceWeights,
} from '../sequences.ts';
import { type JaxArray, type LstmArrays, loadJax, lstmOutputs } from './jax.ts';

const sequences = spec<Sequences>();
if (sequences.mode !== 'inference' || sequences.cell !== 'lstm' || sequences.bias !== 'one')
  throw new Error('what is written here for jax-js is inference of an LSTM with one bias');
const jax = await loadJax();
const arrayOf = ({ data, shape }: HostTensor): JaxArray => jax.numpy.array(data, { shape });
const { kernel, recurrent, bias } = sequenceWeights(sequences);
const weights: LstmArrays = {
  kernel: arrayOf(kernel),
  recurrent: arrayOf(recurrent),
  bias: arrayOf(bias),
};
const x = arrayOf(sequenceData(sequences).input);
const apply = jax.jit((input: JaxArray, given: LstmArrays) =>
  jax.numpy.stack(lstmOutputs(jax, input, given, sequences), 1),
);

const step = (): Promise<ArrayLike<number>> => {
  const given = Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, w.ref]));
  return apply(x.ref, given as LstmArrays).data();
};

await serve({ about: 'jax-js on wasm, unrolled', step, check: async () => sample(await step()) });

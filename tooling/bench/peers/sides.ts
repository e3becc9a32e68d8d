/** The sides of the benches of sequences: which script runs where, and how its process is set up. */
import { ceilingOf } from '../ceiling/index.ts';
import type { Case, Variant } from '../harness/compare.ts';
import { install, installNative } from '../harness/install.ts';
import { findPython } from '../harness/python.ts';
import type { SideOptions } from '../harness/side.ts';
import type { Engine } from './ostinato/engine.ts';
import { flopsOf, type Sequences } from './sequences.ts';

const script = (path: string): URL => new URL(path, import.meta.url);

interface OursOptions {
  /** The script in `ostinato/`, and what it computes. */
  readonly work: string;
  readonly spec: object;
  readonly threads?: number;
}

const oursOn = (name: string, engine: Engine, { work, spec }: OursOptions): SideOptions => ({
  name,
  script: script(`./ostinato/${work}.ts`),
  spec: { ...spec, engine },
});

/** Ours on wasm: "best" as `wasm()` chooses, "simd128" with plain 128-bit vectors. */
export function onWasm(variant: 'best' | 'simd128', options: OursOptions): Variant {
  const { threads = 1 } = options;
  const plain = variant === 'simd128' ? { pairedSimd: false } : {};
  const name = `ostinato ${variant}${threads > 1 ? ` ${threads} threads` : ''}`;
  const side = oursOn(name, { backend: 'wasm', threads, ...plain }, options);
  const ceiling = ceilingOf(variant === 'simd128' ? 'plain' : 'paired');
  return { backend: 'wasm', variant, threads, side, ceiling };
}

/** Ours on webgpu: "best" as `webgpu()` chooses, or one way of running scans. */
export function onWebgpu(
  variant: 'best' | 'persistent' | 'stepwise',
  options: OursOptions,
): Variant {
  const schedule = variant === 'best' ? {} : { schedule: variant };
  const side = oursOn(
    `ostinato ${variant}`,
    { backend: 'webgpu', threads: 1, ...schedule },
    options,
  );
  return { backend: 'webgpu', variant, threads: 1, side };
}

export const onCpu = (options: OursOptions): Variant => ({
  backend: 'cpu',
  variant: 'default',
  threads: 1,
  side: oursOn('ostinato-cpu', { backend: 'cpu', threads: 1 }, options),
  ceiling: ceilingOf('scalar'),
});

/**
 * PyTorch, from whatever Python has it, or nothing. OpenBLAS and OpenMP read their threads when they load.
 */
export async function torchSides(
  work: string,
): Promise<(spec: object & { readonly threads: number }) => SideOptions[]> {
  const command = await findPython('torch');
  if (command === undefined)
    console.error('bench: no Python here has torch: left out. Set PYTHON to one that has.');
  return (spec) => {
    if (command === undefined) return [];
    const threads = `${spec.threads}`;
    const name = `torch${spec.threads > 1 ? ` ${threads}t` : ''}`;
    const env = {
      OPENBLAS_NUM_THREADS: threads,
      OMP_NUM_THREADS: threads,
      MKL_NUM_THREADS: threads,
      // Where others use the cores too, threads that spin for one another take up to twenty times as long.
      OMP_WAIT_POLICY: 'PASSIVE',
    };
    return [{ name, script: script(`./torch/${work}.py`), spec, command, env }];
  };
}

/** What of a case follows from what it computes. */
export function sequenceCase(name: string, spec: Sequences): Omit<Case, 'ours' | 'peers'> {
  const { cell, mode, batch, time, inputs, units } = spec;
  return {
    case: name,
    cell,
    mode,
    shape: [batch, time, inputs, units],
    flops: flopsOf(spec),
    inputGradient: false,
    // Outputs are of the order of 0.1, losses of 0.3: about 1e-4 of them, and less than 1e-5.
    tolerance: mode === 'training' ? 2e-6 : 1e-5,
  };
}

export const versions = {
  tfjs: '4.22.0',
  dawn: '0.6.2',
  jax: '0.1.25',
  ort: '1.30.0',
  brain: '1.6.1',
} as const;

type PeerSide = (work: string, spec: object) => SideOptions;

/** tfjs with both backends, installed on demand. */
export async function tfjsSides(): Promise<Readonly<Record<'cpu' | 'wasm', PeerSide>>> {
  const cwd = await install(
    `@tensorflow/tfjs@${versions.tfjs}`,
    `@tensorflow/tfjs-backend-wasm@${versions.tfjs}`,
  );
  const on =
    (tfjs: 'cpu' | 'wasm'): PeerSide =>
    (work, spec) => ({
      name: `tfjs-${tfjs}`,
      script: script(`./tfjs/${work}.ts`),
      spec: { ...spec, tfjs },
      cwd,
    });
  return { cpu: on('cpu'), wasm: on('wasm') };
}

/**
 * tfjs on TensorFlow's native library, installed on demand, or nothing: its script fetches that library and a binding from
 * a server of its own (tfjs/build-tfjs-node.sh makes them without it). TensorFlow takes its threads from its environment.
 */
export async function tfjsNodeSides(): Promise<
  (work: string, spec: object & { readonly threads: number }) => SideOptions[]
> {
  const cwd = await installNative('@tensorflow/tfjs-node', versions.tfjs);
  return (work, spec) => {
    if (cwd === undefined) return [];
    const threads = `${spec.threads}`;
    return [
      {
        name: 'tfjs-node',
        script: script(`./tfjs/${work}.ts`),
        spec: { ...spec, tfjs: 'tensorflow' },
        cwd,
        env: { TF_NUM_INTRAOP_THREADS: threads, TF_NUM_INTEROP_THREADS: threads },
      },
    ];
  };
}

/** tfjs on Dawn, installed on demand: the same WebGPU, and the same adapter, as ours. */
export async function tfjsOnDawn(): Promise<PeerSide> {
  const cwd = await install(
    `@tensorflow/tfjs@${versions.tfjs}`,
    `@tensorflow/tfjs-backend-webgpu@${versions.tfjs}`,
    `webgpu@${versions.dawn}`,
  );
  return (work, spec) => ({
    name: 'tfjs-webgpu',
    script: script(`./tfjs/${work}.ts`),
    spec: { ...spec, tfjs: 'webgpu' },
    cwd,
  });
}

/**
 * jax-js, installed on demand. It walks what it has traced by recursion, and a loop of 500 steps, unrolled, is deeper than
 * Node's usual stack: this one is what the usual 8 MB of a process allow.
 */
export async function jaxSide(): Promise<PeerSide> {
  const cwd = await install(`@jax-js/jax@${versions.jax}`);
  const flags = ['--stack-size=7600'];
  return (work, spec) => ({
    name: 'jax-js',
    script: script(`./jax-js/${work}.ts`),
    spec,
    cwd,
    flags,
  });
}

/** brain.js, installed on demand. */
export async function brainSide(): Promise<PeerSide> {
  const cwd = await install(`brain.js@${versions.brain}`);
  return (work, spec) => ({ name: 'brain.js', script: script(`./brain/${work}.ts`), spec, cwd });
}

/** ONNX Runtime, native and on wasm, installed on demand; without its script, which fetches more than is needed. */
export async function ortSides(): Promise<Readonly<Record<'node' | 'web', PeerSide>>> {
  const folders = {
    node: await install(`onnxruntime-node@${versions.ort}`),
    web: await install(`onnxruntime-web@${versions.ort}`),
  };
  const on =
    (runtime: 'node' | 'web'): PeerSide =>
    (work, spec) => ({
      name: `onnxruntime-${runtime}`,
      script: script(`./onnxruntime/${work}.ts`),
      spec: { ...spec, runtime },
      cwd: folders[runtime],
    });
  return { node: on('node'), web: on('web') };
}

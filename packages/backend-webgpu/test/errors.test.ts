/** Why there is no WebGPU here, or not with these options: what, got, do. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { OstinatoError, pickBackend } from '@ostinato/core';
import { nullGpu } from '@ostinato/software-gpu/vitest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { create } from 'webgpu';
import { type WebGpuOptions, webgpu } from '../src/index.ts';

afterEach(() => vi.unstubAllGlobals());

/** `code: message` of what opening says. */
async function errorOf(options: unknown): Promise<string> {
  try {
    (await webgpu(options as WebGpuOptions)).dispose();
  } catch (error) {
    if (error instanceof OstinatoError) return error.message;
    throw error;
  }
  return 'no error';
}

interface Adapter {
  readonly info?: object;
  requestDevice?(): Promise<never>;
}

/** A GPU with such an adapter, or none. */
const gpuWith = (adapter: Adapter | null): GPU =>
  ({
    requestAdapter: async () =>
      adapter && { features: new Set(), limits: {}, info: {}, ...adapter },
  }) as unknown as GPU;

test('no adapter', async () => {
  expect(await errorOf({ gpu: gpuWith(null) })).toMatchInlineSnapshot(
    `"webgpu: the system has no adapter (no driver, or WebGPU is switched off). Use backend-wasm, or install a Vulkan driver. [no-adapter]"`,
  );
});

test('an adapter in software, unasked for', async () => {
  const info = { vendor: 'mesa', architecture: 'software', description: 'llvmpipe' };
  expect(await errorOf({ gpu: gpuWith({ info }) })).toMatchInlineSnapshot(
    `"webgpu: only a software adapter (mesa software llvmpipe), which is slower than backend-wasm. Use that, or pass { allowSoftware: true }. [no-adapter]"`,
  );
});

test('an adapter that gives no device', async () => {
  const requestDevice = () => Promise.reject(new Error('too many devices'));
  const info = { vendor: 'acme', architecture: 'roadrunner' };
  expect(await errorOf({ gpu: gpuWith({ info, requestDevice }) })).toMatchInlineSnapshot(
    `"webgpu: acme roadrunner gives no device (too many devices). Free other devices, or use backend-wasm. [no-adapter]"`,
  );
});

test('Dawn without a backend of that name', async () => {
  expect(await errorOf({ gpu: create(['backend=ps2']) })).toMatchInlineSnapshot(`
    "webgpu: the system has no adapter (unrecognised backend 'ps2'
    Possible backends : 'null', 'webgpu', 'd3d11', 'd3d12', 'metal', 'vulkan', 'opengl', 'opengles'). Use backend-wasm, or install a Vulkan driver. [no-adapter]"
  `);
});

test('subgroups, where the browser cannot say which thread is which', async () => {
  const { requestAdapter } = nullGpu().gpu;
  const gpu = { requestAdapter } as unknown as GPU;
  expect(await errorOf({ gpu })).toBe('no error');
  expect(await errorOf({ gpu, subgroups: true })).toMatchInlineSnapshot(
    `"webgpu: subgroups is true, but this device or browser lacks them. Leave it out. [option-invalid]"`,
  );
});

test('Dawn’s null backend', async () => {
  const gpu = create(['backend=null']);
  expect(await errorOf({ gpu, allowSoftware: true })).toMatchInlineSnapshot(
    `"webgpu: Dawn’s null backend computes nothing. Leave out \`backend=null\`. [no-adapter]"`,
  );
});

describe('in a process of its own', () => {
  /** What opening says in plain Node, after `before`. */
  function said(before: string): string {
    const code = `${before}
      const { webgpu } = await import('./src/index.ts');
      await webgpu().catch((error) => print(error.message));`;
    const print = 'const { stdout } = process; const print = (text) => stdout.write(text);';
    const args = ['--input-type=module', '--eval', print + code];
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    return spawnSync(process.execPath, args, { cwd, encoding: 'utf8' }).stdout;
  }

  /** `webgpu` is looked up as something else. */
  const instead = (specifier: string): string => `
    const { registerHooks } = await import('node:module');
    const resolve = (name, context, next) => next(name === 'webgpu' ? '${specifier}' : name, context);
    registerHooks({ resolve });`;

  test('Node without the package', () => {
    expect(said(instead('not-installed'))).toMatchInlineSnapshot(
      `"webgpu: Node has no GPU of its own, and npm’s package "webgpu" is not installed. Install it, or use backend-wasm. [no-adapter]"`,
    );
  });

  test('a package that this system cannot load', () => {
    const throws = 'throw Object.assign(new Error(), { code: "ERR_DLOPEN_FAILED" })';
    expect(
      said(instead(`data:text/javascript,${encodeURIComponent(throws)}`)),
    ).toMatchInlineSnapshot(
      `"webgpu: npm’s package "webgpu" cannot be loaded here (ERR_DLOPEN_FAILED). Try version 0.6.2, or use backend-wasm. [no-adapter]"`,
    );
  });

  test('a browser without WebGPU', () => {
    expect(said('delete globalThis.process;')).toMatchInlineSnapshot(
      `"webgpu: navigator.gpu is missing (an old browser, or a page that is neither https nor localhost). Use backend-wasm. [no-adapter]"`,
    );
  });
});

test.each([
  [{ schedule: 'fast' }, `schedule is "fast". Give 'persistent' or 'stepwise' or 'measured'.`],
  [{ tuning: 'tpu' }, `tuning is "tpu". Give 'gpu' or 'software'.`],
  [{ powerPreference: 'max' }, `powerPreference is "max". Give 'low-power' or 'high-performance'.`],
  [
    { tileRow: 4 },
    'there is no option "tileRow". Options are gpu, powerPreference, allowSoftware, schedule, tuning, subgroups, profile, tileRows, stepsPerDispatch, residentWeights, barriers.',
  ],
  [{ subgroups: 'no' }, 'subgroups is "no". Give true or false.'],
  [{ tileRows: 0 }, 'tileRows is 0. Give a whole number from 1 to 64.'],
  [{ tileRows: 65 }, 'tileRows is 65. Give a whole number from 1 to 64.'],
  [{ tileRows: 1.5 }, 'tileRows is 1.5. Give a whole number from 1 to 64.'],
  [{ stepsPerDispatch: Number.NaN }, 'stepsPerDispatch is NaN. Give a whole number from 1 up.'],
  [{ stepsPerDispatch: '8' }, 'stepsPerDispatch is "8". Give a whole number from 1 up.'],
])('%o', async (options, message) => {
  expect(await errorOf(options)).toBe(`webgpu: ${message} [option-invalid]`);
});

test('pickBackend says why it takes another', async () => {
  vi.stubGlobal('navigator', { gpu: gpuWith(null) });
  const { backend, tried } = await pickBackend([webgpu, wasm, cpu]);
  expect(backend.name).toBe('wasm');
  expect(tried).toEqual([
    'webgpu: the system has no adapter (no driver, or WebGPU is switched off). Use backend-wasm, or install a Vulkan driver. [no-adapter]',
    expect.stringMatching(/^wasm: opened/),
  ]);
  backend.dispose();
});

/** Dawn, the WebGPU of Chromium as npm's `webgpu`, in this process: whether it computes, and whether it takes a kernel. */
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals); // GPUBufferUsage and the like, as in a browser

// Dawn crashes when the object that `create` returned is collected while a device of it lives.
const gpus = new Map<string, GPU>();

function open(...flags: string[]): GPU {
  const key = flags.join(' ');
  const gpu = gpus.get(key) ?? create(flags);
  gpus.set(key, gpu);
  return gpu;
}

export const howToGetGpu =
  'npm brings a driver for Linux on x64: let vitest.config.ts use softwareGpu(); elsewhere name one in VK_ICD_FILENAMES.';

/** Why nothing computes here, or undefined where something does. */
export async function whyNoGpu(): Promise<string | undefined> {
  try {
    if (await dawn().requestAdapter()) return undefined;
    return `Dawn finds no driver. ${howToGetGpu}`;
  } catch (error) {
    return `Dawn does not work (${error}). ${howToGetGpu}`;
  }
}

/** What `navigator.gpu` would be. */
export const dawn = (): GPU => open();

/** The same, and `seen` gets each device before whoever asked for it: to count what is made on it, or to take it away. */
export function dawnSeen(seen: (device: GPUDevice) => void): GPU {
  const requestAdapter = async (options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> => {
    const adapter = await dawn().requestAdapter(options);
    return adapter && adapterSeen(adapter, seen);
  };
  const { wgslLanguageFeatures } = dawn();
  return { requestAdapter, wgslLanguageFeatures } as unknown as GPU;
}

export function adapterSeen(adapter: GPUAdapter, seen: (device: GPUDevice) => void): GPUAdapter {
  const request = adapter.requestDevice.bind(adapter);
  adapter.requestDevice = async (asked) => {
    const device = await request(asked);
    seen(device);
    return device;
  };
  return adapter;
}

/**
 * Compiles each entry point on a device that computes nothing and needs no driver, has WebGPU's default limits and the
 * features that are named. Rejects with the compiler's messages, each above its line of the source, or with what is
 * wrong with the pipeline.
 */
export async function validateWgsl(code: string, features: GPUFeatureName[] = []): Promise<void> {
  const device = await nullDevice(features);
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code });
  const popped = device.popErrorScope(); // before anything is awaited: all callers share the device, and its stack of scopes
  const { messages } = await module.getCompilationInfo();
  const refused = await popped;
  const errors = messages.filter(({ type }) => type === 'error');
  if (errors.length > 0) throw new Error(`WGSL: ${errors.map((m) => shown(m, code)).join('\n')}`);
  if (refused) throw new Error(`WGSL: ${refused.message}`);
  const entryPoints = [...code.matchAll(/@compute\b[^{]*?\bfn\s+(\w+)/g)].map(
    (m) => m[1] as string,
  );
  if (entryPoints.length === 0) throw new Error(`WGSL: no @compute function in\n${code}`);
  for (const entryPoint of entryPoints)
    await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint } });
}

function shown({ message, lineNum, linePos }: GPUCompilationMessage, code: string): string {
  const line = code.split('\n')[lineNum - 1] ?? '';
  return `${message}\n  ${lineNum} | ${line}\n  ${' '.repeat(`${lineNum} | `.length + linePos - 1)}^`;
}

// Dawn makes one in milliseconds, but a suite validates hundreds of kernels.
const devices = new Map<string, Promise<GPUDevice>>();

function nullDevice(features: GPUFeatureName[]): Promise<GPUDevice> {
  const key = features.join(' ');
  const device = devices.get(key) ?? openNullDevice(features);
  devices.set(key, device);
  return device;
}

async function openNullDevice(requiredFeatures: GPUFeatureName[]): Promise<GPUDevice> {
  return (await nullAdapter()).requestDevice({ requiredFeatures });
}

/** The part of Dawn that computes nothing. */
export const nullDawn = (): GPU => open('backend=null');

export async function nullAdapter(): Promise<GPUAdapter> {
  const adapter = await nullDawn().requestAdapter();
  if (!adapter) throw new Error('Dawn has no null backend. Install version 0.6.2 of npm’s webgpu.');
  return adapter;
}

/**
 * Finds a GPU: `navigator.gpu` in pages, workers and wherever else it exists; Dawn, from npm's `webgpu`, in Node. Says
 * why there is none. Knows devices; knows no program.
 */
import { fail } from '@ostinato/core/backend';

export interface AdapterOptions {
  /** A GPU object of one's own, such as one that Dawn's `create` returned. By default `navigator.gpu`, else Dawn. */
  readonly gpu?: GPU | undefined;
  readonly powerPreference?: GPUPowerPreference | undefined;
  /**
   * Takes an adapter that computes on the CPU (SwiftShader, lavapipe), which is slower than backend-cpu: for tests. Off
   * by default.
   */
  readonly allowSoftware?: boolean | undefined;
}

export interface OpenDevice {
  readonly device: GPUDevice;
  /** Computes on the CPU: barriers and pipelines cost much, parallel width nothing. */
  readonly software: boolean;
  /** Its kernels may use subgroups. */
  readonly subgroups: boolean;
  /** Vendor and architecture, as far as the browser tells. */
  readonly adapter: string;
  /** Dawn crashes when the object that made a device is collected before it: whoever holds the device holds this. */
  readonly gpu: GPU;
}

/** Dawn's module, as far as it is used here: the package is optional, so its types may be missing. */
interface Dawn {
  readonly globals: Readonly<Record<string, unknown>>;
  create(flags: readonly string[]): GPU;
}

/** What a device offers beyond WebGPU's defaults is asked for, where it lets programs be larger. */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

const WANTED_FEATURES = ['timestamp-query', 'subgroups'] as const satisfies GPUFeatureName[];

/** Throws `no-adapter` with the reason and what to do. */
export async function openDevice(options: AdapterOptions = {}): Promise<OpenDevice> {
  const gpu = options.gpu ?? (await findGpu());
  const adapter = await requestAdapter(gpu, options);
  const { info } = adapter;
  const names = [info.vendor, info.architecture, info.device, info.description];
  if (info.device === 'null-backend')
    fail('no-adapter', 'webgpu: Dawn’s null backend computes nothing. Leave out `backend=null`.');
  const adapterName = names.filter(Boolean).join(' ') || 'unnamed adapter';
  const software =
    info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software/i.test(names.join(' '));
  if (software && !options.allowSoftware)
    fail(
      'no-adapter',
      `webgpu: only a software adapter (${adapterName}), which is slower than backend-wasm. Use that, or pass { allowSoftware: true }.`,
    );
  try {
    const device = await adapter.requestDevice({
      requiredFeatures: WANTED_FEATURES.filter((name) => adapter.features.has(name)),
      requiredLimits: Object.fromEntries(WANTED_LIMITS.map((k) => [k, adapter.limits[k]])),
    });
    // A thread's number must follow from its subgroup's: browsers that cannot tell that count in some other way.
    const numbered = gpu.wgslLanguageFeatures?.has('subgroup_id') ?? false;
    const subgroups = numbered && device.features.has('subgroups');
    return { device, software, subgroups, adapter: adapterName, gpu };
  } catch (error) {
    return fail(
      'no-adapter',
      `webgpu: ${adapterName} gives no device (${reason(error)}). Free other devices, or use backend-wasm.`,
      { cause: error },
    );
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function requestAdapter(gpu: GPU, options: AdapterOptions): Promise<GPUAdapter> {
  const { powerPreference } = options;
  let why = 'no driver, or WebGPU is switched off';
  try {
    const adapter = await gpu.requestAdapter(powerPreference ? { powerPreference } : {});
    if (adapter) return adapter;
  } catch (error) {
    why = reason(error);
  }
  return fail(
    'no-adapter',
    `webgpu: the system has no adapter (${why}). Use backend-wasm, or install a Vulkan driver.`,
  );
}

async function findGpu(): Promise<GPU> {
  const here = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (here) return here;
  if (!('process' in globalThis))
    fail(
      'no-adapter',
      'webgpu: navigator.gpu is missing (an old browser, or a page that is neither https nor localhost). Use backend-wasm.',
    );
  return dawn();
}

let dawnGpu: Promise<GPU> | undefined;

/** One GPU object for the whole process: Dawn looks up its drivers once. */
function dawn(): Promise<GPU> {
  dawnGpu ??= loadDawn().catch((error: unknown) => {
    dawnGpu = undefined; // the next call may find it
    throw error;
  });
  return dawnGpu;
}

async function loadDawn(): Promise<GPU> {
  const name = 'webgpu'; // not a literal: bundlers must not look for an optional package
  let module: Dawn;
  try {
    module = (await import(/* @vite-ignore */ name)) as Dawn;
  } catch (error) {
    const { code } = error as { code?: string };
    const missing = code === 'ERR_MODULE_NOT_FOUND';
    return fail(
      'no-adapter',
      missing
        ? 'webgpu: Node has no GPU of its own, and npm’s package "webgpu" is not installed. Install it, or use backend-wasm.'
        : `webgpu: npm’s package "webgpu" cannot be loaded here (${code ?? reason(error)}). Try version 0.6.2, or use backend-wasm.`,
      { cause: error },
    );
  }
  return module.create([]);
}

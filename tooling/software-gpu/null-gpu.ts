/**
 * A GPU that needs no driver and computes nothing: Dawn judges what it is given, kernels and their use, by the rules and the
 * smallest limits of WebGPU. Knows no backend.
 */
import { adapterSeen, nullAdapter, nullDawn } from './dawn.ts';

export interface NullGpu {
  readonly gpu: GPU;
  /** The text of each kernel that was compiled so far, in order. */
  readonly kernels: readonly string[];
}

/** For `webgpu({ gpu })`. Results are whatever lies in memory; what is wrong with a program rejects as on any GPU. */
export function nullGpu(): NullGpu {
  const kernels: string[] = [];
  const requestAdapter = async (): Promise<GPUAdapter> => {
    const adapter = adapterSeen(await nullAdapter(), (device) => {
      const create = device.createShaderModule.bind(device);
      device.createShaderModule = (module) => {
        kernels.push(module.code);
        return create(module);
      };
    });
    // Under a name of its own: backends refuse a device that computes nothing.
    const info = { vendor: 'dawn', architecture: 'null', device: '', description: '' };
    const { limits, features } = adapter;
    const requestDevice = (asked?: GPUDeviceDescriptor): Promise<GPUDevice> =>
      adapter.requestDevice(asked);
    return { info, limits, features, requestDevice } as unknown as GPUAdapter;
  };
  const { wgslLanguageFeatures } = nullDawn();
  return { gpu: { requestAdapter, wgslLanguageFeatures } as unknown as GPU, kernels };
}

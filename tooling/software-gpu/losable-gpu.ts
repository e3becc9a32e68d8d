/** A GPU that can be taken away in the middle of work, as a driver's reset takes it. Knows no backend. */
import { dawn } from './dawn.ts';

export interface LosableGpu {
  readonly gpu: GPU;
  /** Every device that it has given is lost. */
  lose(): void;
}

/** For `webgpu({ gpu })`. */
export function losableGpu(): LosableGpu {
  const devices: GPUDevice[] = [];
  const requestAdapter = async (options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> => {
    const adapter = await dawn().requestAdapter(options);
    if (!adapter) return null;
    const request = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (asked) => {
      const device = await request(asked);
      devices.push(device);
      return device;
    };
    return adapter;
  };
  return {
    gpu: { requestAdapter } as unknown as GPU,
    lose() {
      for (const device of devices) device.destroy();
    },
  };
}

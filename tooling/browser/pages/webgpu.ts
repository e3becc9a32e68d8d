/** WebGPU where this runs, a page's thread or a worker: an adapter, a device, and a shader with a result to check. */
import { send } from '../report.ts';

const code = `
@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(64)
fn cubes(@builtin(global_invocation_id) id: vec3u) { x[id.x] = id.x * id.x * id.x; }`;

async function cubes(device: GPUDevice): Promise<number[]> {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const buffer = device.createBuffer({ size: 256, usage: STORAGE | COPY_SRC });
  const result = device.createBuffer({ size: 256, usage: MAP_READ | COPY_DST });
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const layout = pipeline.getBindGroupLayout(0);
  const entries = [{ binding: 0, resource: { buffer } }];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, result, 0, 256);
  device.queue.submit([encoder.finish()]);
  await result.mapAsync(GPUMapMode.READ);
  return [...new Uint32Array(result.getMappedRange())];
}

await send(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter?.requestDevice();
  if (!device) throw new Error('navigator.gpu has no adapter');
  const facts = { document: typeof document, cubes: await cubes(device) };
  device.destroy();
  return { facts, notes: [], passed: 0, failed: [] };
});

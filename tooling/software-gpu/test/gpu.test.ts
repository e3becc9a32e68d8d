/** The software GPU computes for real: a result that no driver could leave in a buffer by chance. */
import { expect, test } from 'vitest';
import { dawn, describeOnGpu } from '../vitest.ts';

const code = `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
var<workgroup> shared_x: array<f32, 64>;

@compute @workgroup_size(64)
fn suffix_sums(@builtin(local_invocation_index) i: u32) {
  shared_x[i] = x[i];
  workgroupBarrier();
  var sum = 0.0;
  for (var k = i; k < 64u; k++) { sum += shared_x[k]; }
  x[i] = sum;
}`;

await describeOnGpu('Dawn', () => {
  test('a compute shader with a barrier: its sums are right', async () => {
    const adapter = await dawn().requestAdapter();
    const device = await adapter?.requestDevice();
    if (!device) throw new Error('no device');
    const x = Float32Array.from({ length: 64 }, (_, i) => (i * 37) % 64);
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const buffer = device.createBuffer({ size: 256, usage: STORAGE | COPY_SRC | COPY_DST });
    const result = device.createBuffer({ size: 256, usage: MAP_READ | COPY_DST });
    device.queue.writeBuffer(buffer, 0, x);
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const layout = pipeline.getBindGroupLayout(0);
    const entries = [{ binding: 0, resource: { buffer } }];
    pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(buffer, 0, result, 0, 256);
    device.queue.submit([encoder.finish()]);
    await result.mapAsync(GPUMapMode.READ);
    const sums = new Float32Array(result.getMappedRange().slice(0));
    device.destroy();
    expect(sums).toEqual(x.map((_, i) => x.subarray(i).reduce((a, b) => a + b, 0)));
  });
});

/** Dawn's compiler judges kernels on any machine: it takes what is right and names what is wrong, with the line. */
import { expect, test } from 'vitest';
import { validateWgsl } from '../vitest.ts';

const kernel = (body: string): string => `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64)
fn scale(@builtin(global_invocation_id) id: vec3u) {
  ${body}
}`;

test('a right kernel passes', async () => {
  await validateWgsl(kernel('x[id.x] *= 2.0;'));
});

test('a wrong type is refused, with its place in the source', async () => {
  const wrong = validateWgsl(kernel('let y: f32 = id.x;'));
  await expect(wrong).rejects.toThrowErrorMatchingInlineSnapshot(`
    [Error: WGSL: cannot initialize 'let' of type 'f32' with value of type 'u32'
      5 |   let y: f32 = id.x;
                ^]
  `);
});

test('of kernels that are judged at the same time each gets its own verdict', async () => {
  const [right, wrong] = ['x[id.x] *= 2.0;', 'x[id.x] *= true;'].map(kernel) as [string, string];
  const verdicts = await Promise.allSettled([right, wrong].map((code) => validateWgsl(code)));
  expect(verdicts.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

test('a barrier that not all invocations reach is refused', async () => {
  const wrong = validateWgsl(kernel('if (id.x < 3u) { workgroupBarrier(); }'));
  await expect(wrong).rejects.toThrow(/'workgroupBarrier' must only be called from uniform/);
});

test('a workgroup beyond the default limits is refused, when its pipeline is made', async () => {
  const wide = kernel('x[id.x] *= 2.0;').replace('(64)', '(512)');
  await expect(validateWgsl(wide)).rejects.toThrow(/512.*256/s);
});

test('each entry point becomes a pipeline', async () => {
  const second = '@compute @workgroup_size(512) fn wide() { x[0] = 1.0; }';
  await expect(validateWgsl(`${kernel('x[0] = 1.0;')}\n${second}`)).rejects.toThrow(/512.*256/s);
});

test('a feature is refused until it is asked for', async () => {
  const half = `enable f16;\n${kernel('x[id.x] = f32(f16(x[id.x]));')}`;
  await expect(validateWgsl(half)).rejects.toThrow(/extension 'f16' is not allowed/);
  await validateWgsl(half, ['shader-f16']);
});

test('immediates pass, with a layout made from the code', async () => {
  const head = 'requires immediate_address_space;\nvar<immediate> by: f32;\n';
  await validateWgsl(head + kernel('x[id.x] *= by;'));
});

test('code without a kernel is refused', async () => {
  await expect(validateWgsl('const a = 1;')).rejects.toThrow('no @compute function');
});

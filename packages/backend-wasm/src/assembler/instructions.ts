/** Instructions as typed values, by the type of what they give: `i32.add(a, b)`. Knows no kernel. */
export type { Op, Type, Value } from './codes.ts';
export * as f32 from './f32.ts';
export * as i32 from './i32.ts';
export * as v128 from './v128.ts';

/** What the engine offers, as far as kernels care. Knows no kernel. */

export interface Target {
  /** `f32x4.relaxed_madd` exists: products and sums in one instruction. */
  readonly relaxed: boolean;
  /**
   * The engine pairs adjacent 128-bit operations into 256-bit ones (V8's revectoriser): tiles are for sixteen 256-bit
   * registers, and vectors come in pairs.
   */
  readonly paired: boolean;
}

/**
 * Functions that kernels call, as WGSL. The built-in ones may lose NaN, overflow early or be off by 1e-4 near zero, and
 * compilers may take `x != x` for false: so NaN is found in the bits, and infinities never meet a formula. Polynomials are
 * those of backend-wasm, least-maximum fits of the relative error. Knows no kernel.
 */

interface Source {
  readonly needs?: readonly string[];
  readonly text: string;
}

/** A float's exact literal. */
const f = (x: number): string => {
  const text = String(Math.fround(x));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
};

/** Horner's scheme, from the highest coefficient down. */
const polynomial = (x: string, coefficients: readonly number[]): string =>
  coefficients.reduceRight((sum, c) => (sum ? `fma(${sum}, ${x}, ${f(c)})` : f(c)), '');

const tanhP = [
  0.9999999795097169, 0.1338103244484483, 0.0034955951520636197, 2.0609158232045192e-5,
  1.3354698178342255e-8,
];
const tanhQ = [
  1, 0.4671434807638229, 0.02587701164578784, 0.0003285644552351626, 7.776587500388043e-7,
];
const expP = [
  0.49999993450971975, 0.1666652067904239, 0.04166838749038903, 0.008368711132912595,
  0.0013814610429628664,
];
const logP = [
  0.3333331260390052, -0.25000009599951645, 0.20002118668276478, -0.16667995829580598,
  0.14219552172468747, -0.12405589246918164, 0.1188816387402677, -0.11675650438449975,
  0.06746635388304636,
];
const sinP = [-0.16666654926175123, 0.008332176996590342, -0.00019517138241713982];
const cosQ = [0.041666646836647246, -0.0013887365993403879, 2.4438270521651438e-5];
const erfP = [
  1.128379146227455, 0.19040187995087754, 0.05274799585981, 0.003765383796089119,
  0.000284871248325525, 2.0500413364791503e-6,
];
const erfQ = [
  1, 0.5020720155698474, 0.11410710041413859, 0.014968757532593534, 0.0011624672049673419,
  3.809063881929651e-5,
];

/** ln 2 in two parts: the first has 10 bits, so that its product with an exponent is exact. */
const ln2 = [0.693359375, -0.00021219444005469057] as const;
/** pi / 2 in three parts, the first two of 8 and 11 bits. */
const quarterTurn = [1.5703125, 0.0004837512969970703, 7.549789948768648e-8] as const;

const sources: { readonly [name: string]: Source } = {
  isNan: {
    text: 'fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }',
  },
  /** 2^n for -252 <= n <= 254, in two factors: so that results below 2^-126 or beyond 2^127 are rounded once. */
  scale: {
    text: `fn scale(x: f32, n: i32) -> f32 {
  let half = n >> 1u;
  return x * bitcast<f32>((half + 127) << 23u) * bitcast<f32>((n - half + 127) << 23u);
}`,
  },
  exp: {
    needs: ['isNan', 'scale'],
    text: `fn exp_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  let x = clamp(a, -105.0f, 89.0f);
  let n = round(x * ${f(Math.LOG2E)});
  let r = fma(-n, ${f(ln2[1])}, fma(-n, ${f(ln2[0])}, x));
  let series = 1.0f + fma(r * r, ${polynomial('r', expP)}, r);
  return scale(series, i32(n));
}`,
  },
  log: {
    needs: ['isNan'],
    text: `fn log_(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if (isNan(x) || bits == 0x7f800000u) { return x; }
  if ((bits & 0x7fffffffu) < 0x00800000u) { return bitcast<f32>(0xff800000u | (bits & 0u)); }
  if (bits > 0x7f800000u) { return bitcast<f32>(0x7fc00000u | (bits & 0u)); }
  let k = (bitcast<i32>(bits) - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(bitcast<i32>(bits) - (k << 23u)) - 1.0f;
  let e = f32(k);
  let mm = m * m;
  let cubic = fma(m * mm, ${polynomial('m', logP)}, e * ${f(ln2[1])});
  return fma(e, ${f(ln2[0])}, m + fma(-0.5f, mm, cubic));
}`,
  },
  tanh: {
    needs: ['isNan'],
    text: `fn tanh_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  let x = clamp(a, -9.0f, 9.0f);
  let xx = x * x;
  let quotient = x * ${polynomial('xx', tanhP)} / ${polynomial('xx', tanhQ)};
  return select(clamp(quotient, -1.0f, 1.0f), sign(a), abs(a) >= 9.02f);
}`,
  },
  sigmoid: {
    needs: ['exp', 'isNan'],
    text: `fn sigmoid_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  return select(1.0f / (1.0f + exp_(clamp(-a, -88.0f, 88.0f))), 0.0f, a < -88.0f);
}`,
  },
  erf: {
    needs: ['isNan'],
    text: `fn erf_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  let x = clamp(a, -3.92f, 3.92f);
  let xx = x * x;
  let quotient = x * ${polynomial('xx', erfP)} / ${polynomial('xx', erfQ)};
  return clamp(quotient, -1.0f, 1.0f);
}`,
  },
  /** The upper word of a product. */
  mulHigh: {
    text: `fn mulHigh(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (cross & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (cross >> 16u) + (other >> 16u);
}`,
  },
  /**
   * Quarter turns in |x| >= 2^10, whole ones modulo 4, by Payne and Hanek's reduction (1983): of 2 / pi only those 96 bits
   * count that neither make whole turns nor fall below the fraction.
   */
  quarters: {
    needs: ['mulHigh'],
    text: `const twoOverPi = array<u32, 9>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u);
fn quarters(x: f32) -> vec2<u32> {
  let bits = bitcast<u32>(x);
  let mantissa = (bits & 0x7fffffu) | 0x800000u;
  let first = ((bits >> 23u) & 0xffu) - 150u + 30u;
  let word = first >> 5u;
  let left = first & 31u;
  var t: array<u32, 3>;
  for (var k = 0u; k < 3u; k++) {
    let high = twoOverPi[word + k] << left;
    let low = select(0u, twoOverPi[word + k + 1u] >> (32u - left), left > 0u);
    t[k] = high | low;
  }
  let carry = mulHigh(mantissa, t[2]);
  let middle = mantissa * t[1] + carry;
  let more = mulHigh(mantissa, t[1]) + select(0u, 1u, middle < carry);
  return vec2<u32>(mantissa * t[0] + more, middle);
}`,
  },
  /** The sine of a plus a number of quarter turns. */
  turned: {
    needs: ['isNan', 'quarters'],
    text: `fn turned(a: f32, ahead: i32) -> f32 {
  if ((bitcast<u32>(a) & 0x7fffffffu) >= 0x7f800000u) { return bitcast<f32>(bitcast<u32>(a) | 0x7fc00000u); }
  let x = abs(a);
  var turns: i32;
  var r: f32;
  if (x < 1024.0f) {
    let n = round(x * ${f(2 / Math.PI)});
    turns = i32(n);
    r = fma(-n, ${f(quarterTurn[2])}, fma(-n, ${f(quarterTurn[1])}, fma(-n, ${f(quarterTurn[0])}, x)));
  } else {
    let q = quarters(x);
    // The two top bits are whole turns; what follows is a fraction, from one half on one less than the next turn.
    let fraction = bitcast<i32>((q.x << 2u) | (q.y >> 30u));
    turns = i32(q.x >> 30u) + select(0, 1, fraction < 0);
    r = f32(fraction) * ${f(Math.PI / 2 / 2 ** 32)};
  }
  // Sine is odd, cosine even: the sign goes with the turns of the sine alone.
  let flip = a < 0.0f && ahead == 0;
  let rr = r * r;
  let sine = fma(r * rr, ${polynomial('rr', sinP)}, r);
  let cosine = fma(-0.5f, rr, 1.0f) + rr * rr * ${polynomial('rr', cosQ)};
  let all = turns + ahead;
  let value = select(sine, cosine, (all & 1) == 1);
  return select(value, -value, ((all & 2) == 2) != flip);
}`,
  },
  sin: { needs: ['turned'], text: 'fn sin_(x: f32) -> f32 { return turned(x, 0); }' },
  cos: { needs: ['turned'], text: 'fn cos_(x: f32) -> f32 { return turned(x, 1); }' },
  pow: {
    needs: ['exp', 'log', 'isNan'],
    text: `fn pow_(x: f32, y: f32) -> f32 {
  if (y == 0.0f && !isNan(y)) { return 1.0f; }
  if (isNan(x) || isNan(y)) { return x + y; }
  if (y == 1.0f) { return x; }
  if (y == 2.0f) { return x * x; }
  let size = exp_(y * log_(abs(x)));
  let bits = bitcast<u32>(x);
  if (bits < 0x80000000u) { return size; }
  if (floor(y) != y) { return select(size, log_(x), x != 0.0f && bits < 0xff800000u); }
  return select(size, -size, floor(0.5f * y) * 2.0f != y);
}`,
  },
  /** Divisors beyond 2^126 may count as infinite, so both sides are made smaller first. */
  divide: {
    text: `fn divide(a: f32, b: f32) -> f32 {
  let s = select(1.0f, ${f(2 ** -40)}, abs(b) > ${f(2 ** 100)});
  return (a * s) / (b * s);
}`,
  },
  /** Long division: each difference is of numbers within a factor of 2, and so exact. */
  remainder: {
    needs: ['isNan'],
    text: `fn remainder(a: f32, b: f32) -> f32 {
  if (isNan(a) || isNan(b)) { return a + b; }
  var rest = abs(a);
  let divisor = bitcast<u32>(b) & 0x7fffffffu;
  let bits = bitcast<u32>(rest);
  if (bits >= 0x7f800000u || divisor < 0x00800000u) { return bitcast<f32>(0x7fc00000u | (bits & 0u)); }
  while (bitcast<u32>(rest) >= divisor) {
    let ahead = (bitcast<u32>(rest) & 0x7f800000u) - (divisor & 0x7f800000u);
    let step = bitcast<f32>(divisor + ahead);
    rest -= select(step, 0.5f * step, step > rest);
  }
  return select(rest, -rest, a < 0.0f);
}`,
  },
  lower: {
    needs: ['isNan'],
    text: 'fn lower(a: f32, b: f32) -> f32 { return select(select(min(a, b), b, isNan(b)), a, isNan(a)); }',
  },
  higher: {
    needs: ['isNan'],
    text: 'fn higher(a: f32, b: f32) -> f32 { return select(select(max(a, b), b, isNan(b)), a, isNan(a)); }',
  },
  sameFloat: {
    needs: ['isNan'],
    text: 'fn sameFloat(a: f32, b: f32) -> bool { return a == b && !isNan(a) && !isNan(b); }',
  },
  /** 1 with the sign of x where x is neither 0 nor NaN; else x. */
  signOf: {
    text: 'fn signOf(x: f32) -> f32 { return select(select(x, 1.0f, x > 0.0f), -1.0f, x < 0.0f); }',
  },
  toInt: {
    needs: ['isNan'],
    text: `fn toInt(x: f32) -> i32 {
  if (isNan(x)) { return 0; }
  if (x >= 2147483648.0f) { return 0x7fffffff; }
  return select(i32(x), bitcast<i32>(0x80000000u), x < -2147483648.0f);
}`,
  },
  toUnsigned: {
    needs: ['isNan'],
    text: `fn toUnsigned(x: f32) -> u32 {
  if (isNan(x) || x <= 0.0f) { return 0u; }
  if (x >= 4294967296.0f) { return 0xffffffffu; }
  return u32(x);
}`,
  },
  isTrue: {
    needs: ['isNan'],
    text: 'fn isTrue(x: f32) -> bool { return x != 0.0f || isNan(x); }',
  },
};

/** The named functions with all that they call, callees first. */
export function functionsFor(names: Iterable<string>): string[] {
  const seen = new Set<string>();
  const texts: string[] = [];
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const source = sources[name];
    if (!source) throw new Error(`there is no function ${name}`);
    for (const other of source.needs ?? []) visit(other);
    texts.push(source.text);
  };
  for (const name of [...names].sort()) visit(name);
  return texts;
}

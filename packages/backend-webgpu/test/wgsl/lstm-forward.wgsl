@group(0) @binding(0) var<storage, read> b0: array<f32>;
@group(0) @binding(1) var<storage, read> b1: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<uniform> params: array<vec4<u32>, 13>;
var<workgroup> w0: array<f32, 128>;
var<workgroup> w1: array<vec4<f32>, 16>;
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn scale(x: f32, n: i32) -> f32 {
  let half = n >> 1u;
  return x * bitcast<f32>((half + 127) << 23u) * bitcast<f32>((n - half + 127) << 23u);
}
fn exp_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  let x = clamp(a, -105.0f, 89.0f);
  let n = round(x * 1.4426950216293335f);
  let r = fma(-n, -0.00021219444170128554f, fma(-n, 0.693359375f, x));
  let series = 1.0f + fma(r * r, fma(fma(fma(fma(0.0013814610429108143f, r, 0.008368710987269878f), r, 0.04166838899254799f), r, 0.1666652113199234f), r, 0.4999999403953552f), r);
  return scale(series, i32(n));
}
fn sigmoid_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  return select(1.0f / (1.0f + exp_(clamp(-a, -88.0f, 88.0f))), 0.0f, a < -88.0f);
}
fn tanh_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  let x = clamp(a, -9.0f, 9.0f);
  let xx = x * x;
  let quotient = x * fma(fma(fma(fma(1.3354697792067327e-8f, xx, 0.00002060915903712157f), xx, 0.003495595185086131f), xx, 0.13381032645702362f), xx, 1.0f) / fma(fma(fma(fma(7.776587267471768e-7f, xx, 0.00032856446341611445f), xx, 0.025877011939883232f), xx, 0.4671434760093689f), xx, 1.0f);
  return select(clamp(quotient, -1.0f, 1.0f), sign(a), abs(a) >= 9.02f);
}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) thread: u32) {
  let p0 = params[0].x;
  let p1 = params[0].y;
  let p2 = params[0].z;
  let p3 = params[0].w;
  let p4 = params[1].x;
  let p5 = params[1].y;
  let p6 = params[1].z;
  let p7 = params[1].w;
  let p8 = params[2].x;
  let p9 = params[2].y;
  let p10 = params[2].z;
  let p11 = params[2].w;
  let p12 = params[3].x;
  let p13 = params[3].y;
  let p14 = params[3].z;
  let p15 = params[3].w;
  let p16 = params[4].x;
  let p17 = params[4].y;
  let p18 = params[4].z;
  let p19 = params[4].w;
  let p20 = params[5].x;
  let p21 = params[5].y;
  let p22 = params[5].z;
  let p23 = params[5].w;
  let p24 = params[6].x;
  let p25 = params[6].y;
  let p26 = params[6].z;
  let p27 = params[6].w;
  let p28 = params[7].x;
  let p29 = params[7].y;
  let p30 = params[7].z;
  let p31 = params[7].w;
  let p32 = params[8].x;
  let p33 = params[8].y;
  let p34 = params[8].z;
  let p35 = params[8].w;
  let p36 = params[9].x;
  let p37 = params[9].y;
  let p38 = params[9].z;
  let p39 = params[9].w;
  let p40 = params[10].x;
  let p41 = params[10].y;
  let p42 = params[10].z;
  let p43 = params[10].w;
  let p44 = params[11].x;
  let p45 = params[11].y;
  let p46 = params[11].z;
  let p47 = params[11].w;
  let p48 = params[12].x;
  let groupId0 = group.y * groups.x + group.x;
  let count1 = p0;
  let row0 = min(groupId0 * 4u, count1);
  let rows = min(4u, count1 - row0);
  let length2 = p1;
  let at3 = p2;
  if (thread < 16u) {
    let n4 = 4u;
    let i5 = thread % n4;
    let rest6 = thread / n4;
    w1[(rest6 * 16u + (i5 * 4u)) >> 2u] = b1[(at3 + rest6 * p3 + (i5 * 4u)) >> 2u];
  }
  let at7 = p4;
  if (thread < 16u) {
    let r8 = thread / 4u;
    if (r8 < rows) {
      let row9 = row0 + r8;
      let point10 = thread % 4u;
      let v11 = b2[at7 + point10 + row9 * p5];
      w0[(0u & 1u) * 16u + point10 + r8 * 4u] = v11;
    }
  }
  let at12 = p6;
  if (thread < 16u) {
    let r13 = thread / 4u;
    if (r13 < rows) {
      let row14 = row0 + r13;
      let point15 = thread % 4u;
      let v16 = b2[at12 + point15 + row14 * p7];
      w0[32u + (0u & 1u) * 16u + point15 + r13 * 4u] = v16;
    }
  }
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    if (thread < 4u) {
      let column17 = thread * 4u;
      var sum18 = vec4<f32>();
      var sum19 = vec4<f32>();
      var sum20 = vec4<f32>();
      var sum21 = vec4<f32>();
      let row22 = row0 + 0u;
      let r23 = min(1u, rows - 1u);
      let row24 = row0 + r23;
      let r25 = min(2u, rows - 1u);
      let row26 = row0 + r25;
      let r27 = min(3u, rows - 1u);
      let row28 = row0 + r27;
      let n30 = 4u;
      for (var j29 = 0u; j29 < n30; j29 += 4u) {
        let weight31 = w1[(column17 + j29 * 16u) >> 2u];
        let weight32 = w1[(column17 + (j29 + 1u) * 16u) >> 2u];
        let weight33 = w1[(column17 + (j29 + 2u) * 16u) >> 2u];
        let weight34 = w1[(column17 + (j29 + 3u) * 16u) >> 2u];
        sum18 += w0[32u + (s & 1u) * 16u + j29] * weight31;
        sum19 += w0[32u + (s & 1u) * 16u + j29 + r23 * 4u] * weight31;
        sum20 += w0[32u + (s & 1u) * 16u + j29 + r25 * 4u] * weight31;
        sum21 += w0[32u + (s & 1u) * 16u + j29 + r27 * 4u] * weight31;
        sum18 += w0[32u + (s & 1u) * 16u + (j29 + 1u)] * weight32;
        sum19 += w0[32u + (s & 1u) * 16u + (j29 + 1u) + r23 * 4u] * weight32;
        sum20 += w0[32u + (s & 1u) * 16u + (j29 + 1u) + r25 * 4u] * weight32;
        sum21 += w0[32u + (s & 1u) * 16u + (j29 + 1u) + r27 * 4u] * weight32;
        sum18 += w0[32u + (s & 1u) * 16u + (j29 + 2u)] * weight33;
        sum19 += w0[32u + (s & 1u) * 16u + (j29 + 2u) + r23 * 4u] * weight33;
        sum20 += w0[32u + (s & 1u) * 16u + (j29 + 2u) + r25 * 4u] * weight33;
        sum21 += w0[32u + (s & 1u) * 16u + (j29 + 2u) + r27 * 4u] * weight33;
        sum18 += w0[32u + (s & 1u) * 16u + (j29 + 3u)] * weight34;
        sum19 += w0[32u + (s & 1u) * 16u + (j29 + 3u) + r23 * 4u] * weight34;
        sum20 += w0[32u + (s & 1u) * 16u + (j29 + 3u) + r25 * 4u] * weight34;
        sum21 += w0[32u + (s & 1u) * 16u + (j29 + 3u) + r27 * 4u] * weight34;
      }
      if (0u < rows) {
        w0[64u + column17] = sum18.x;
        w0[64u + (column17 + 1u)] = sum18.y;
        w0[64u + (column17 + 2u)] = sum18.z;
        w0[64u + (column17 + 3u)] = sum18.w;
      }
      if (1u < rows) {
        w0[64u + column17 + r23 * 16u] = sum19.x;
        w0[64u + (column17 + 1u) + r23 * 16u] = sum19.y;
        w0[64u + (column17 + 2u) + r23 * 16u] = sum19.z;
        w0[64u + (column17 + 3u) + r23 * 16u] = sum19.w;
      }
      if (2u < rows) {
        w0[64u + column17 + r25 * 16u] = sum20.x;
        w0[64u + (column17 + 1u) + r25 * 16u] = sum20.y;
        w0[64u + (column17 + 2u) + r25 * 16u] = sum20.z;
        w0[64u + (column17 + 3u) + r25 * 16u] = sum20.w;
      }
      if (3u < rows) {
        w0[64u + column17 + r27 * 16u] = sum21.x;
        w0[64u + (column17 + 1u) + r27 * 16u] = sum21.y;
        w0[64u + (column17 + 2u) + r27 * 16u] = sum21.z;
        w0[64u + (column17 + 3u) + r27 * 16u] = sum21.w;
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at35 = p8 + s * p9;
    let at36 = p10;
    let at37 = p11 + s * p12;
    let at38 = p13;
    let at39 = p14 + s * p15;
    let at40 = p16;
    let at41 = p17 + s * p18;
    let at42 = p19;
    let at43 = p20 + s * p21;
    let at44 = p22 + s * p23;
    let at45 = p24 + s * p25;
    let at46 = p26 + s * p27;
    let at47 = p28 + s * p29;
    let at48 = p30 + s * p31;
    let at49 = p32 + s * p33;
    if (thread < 16u) {
      let r50 = thread / 4u;
      if (r50 < rows) {
        let row51 = row0 + r50;
        let point52 = thread % 4u;
        let v53 = w0[(s & 1u) * 16u + point52 + r50 * 4u];
        let v54 = w0[32u + (s & 1u) * 16u + point52 + r50 * 4u];
        let v55 = b2[at35 + point52 + row51 * p34];
        let v56 = b0[at36 + point52];
        let v57 = w0[68u + point52 + r50 * 16u];
        let v58 = sigmoid_(((v55 + v56) + v57));
        let v59 = b2[at37 + point52 + row51 * p35];
        let v60 = b0[at38 + point52];
        let v61 = w0[64u + point52 + r50 * 16u];
        let v62 = sigmoid_(((v59 + v60) + v61));
        let v63 = b2[at39 + point52 + row51 * p36];
        let v64 = b0[at40 + point52];
        let v65 = w0[72u + point52 + r50 * 16u];
        let v66 = tanh_(((v63 + v64) + v65));
        let v67 = ((v58 * v53) + (v62 * v66));
        let v68 = b2[at41 + point52 + row51 * p37];
        let v69 = b0[at42 + point52];
        let v70 = w0[76u + point52 + r50 * 16u];
        let v71 = sigmoid_(((v68 + v69) + v70));
        let v72 = tanh_(v67);
        b2[at43 + point52 + row51 * p38] = v53;
        b2[at44 + point52 + row51 * p39] = v54;
        b2[at45 + point52 + row51 * p40] = v58;
        b2[at46 + point52 + row51 * p41] = v62;
        b2[at47 + point52 + row51 * p42] = v66;
        w0[16u + 0u - (s & 1u) * 16u + point52 + r50 * 4u] = v67;
        b2[at48 + point52 + row51 * p43] = v71;
        b2[at49 + point52 + row51 * p44] = v72;
        w0[48u + 0u - (s & 1u) * 16u + point52 + r50 * 4u] = (v71 * v72);
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at73 = p45;
  if (thread < 16u) {
    let r74 = thread / 4u;
    if (r74 < rows) {
      let row75 = row0 + r74;
      let point76 = thread % 4u;
      let v77 = w0[(length2 & 1u) * 16u + point76 + r74 * 4u];
      b2[at73 + point76 + row75 * p46] = v77;
    }
  }
  let at78 = p47;
  if (thread < 16u) {
    let r79 = thread / 4u;
    if (r79 < rows) {
      let row80 = row0 + r79;
      let point81 = thread % 4u;
      let v82 = w0[32u + (length2 & 1u) * 16u + point81 + r79 * 4u];
      b2[at78 + point81 + row80 * p48] = v82;
    }
  }
}

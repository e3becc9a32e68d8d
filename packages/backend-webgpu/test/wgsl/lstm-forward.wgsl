@group(0) @binding(0) var<storage, read> b0: array<f32>;
@group(0) @binding(1) var<storage, read> b1: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<uniform> params: array<vec4<u32>, 13>;
var<workgroup> w0: array<f32, 128>;
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
  return 1.0f / (1.0f + exp_(clamp(-a, -87.0f, 87.0f)));
}
fn tanh_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  let x = clamp(a, -9.0f, 9.0f);
  let xx = x * x;
  let quotient = x * fma(fma(fma(fma(1.3354697792067327e-8f, xx, 0.00002060915903712157f), xx, 0.003495595185086131f), xx, 0.13381032645702362f), xx, 1.0f) / fma(fma(fma(fma(7.776587267471768e-7f, xx, 0.00032856446341611445f), xx, 0.025877011939883232f), xx, 0.4671434760093689f), xx, 1.0f);
  return clamp(quotient, -1.0f, 1.0f);
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
    let r4 = thread / 4u;
    if (r4 < rows) {
      let row5 = row0 + r4;
      let point6 = thread % 4u;
      let v7 = b2[at3 + point6 + row5 * p3];
      w0[(0u & 1u) * 16u + point6 + r4 * 4u] = v7;
    }
  }
  let at8 = p4;
  if (thread < 16u) {
    let r9 = thread / 4u;
    if (r9 < rows) {
      let row10 = row0 + r9;
      let point11 = thread % 4u;
      let v12 = b2[at8 + point11 + row10 * p5];
      w0[32u + (0u & 1u) * 16u + point11 + r9 * 4u] = v12;
    }
  }
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    let at13 = p6;
    if (thread < 4u) {
      let column14 = thread * 4u;
      var sum15 = vec4<f32>();
      var sum16 = vec4<f32>();
      var sum17 = vec4<f32>();
      var sum18 = vec4<f32>();
      let row19 = row0 + 0u;
      let r20 = min(1u, rows - 1u);
      let row21 = row0 + r20;
      let r22 = min(2u, rows - 1u);
      let row23 = row0 + r22;
      let r24 = min(3u, rows - 1u);
      let row25 = row0 + r24;
      let n27 = 4u;
      for (var j26 = 0u; j26 < n27; j26 += 4u) {
        let weight28 = b1[(at13 + column14 + j26 * p7) >> 2u];
        let weight29 = b1[(at13 + column14 + (j26 + 1u) * p7) >> 2u];
        let weight30 = b1[(at13 + column14 + (j26 + 2u) * p7) >> 2u];
        let weight31 = b1[(at13 + column14 + (j26 + 3u) * p7) >> 2u];
        sum15 += w0[32u + (s & 1u) * 16u + j26] * weight28;
        sum16 += w0[32u + (s & 1u) * 16u + j26 + r20 * 4u] * weight28;
        sum17 += w0[32u + (s & 1u) * 16u + j26 + r22 * 4u] * weight28;
        sum18 += w0[32u + (s & 1u) * 16u + j26 + r24 * 4u] * weight28;
        sum15 += w0[32u + (s & 1u) * 16u + (j26 + 1u)] * weight29;
        sum16 += w0[32u + (s & 1u) * 16u + (j26 + 1u) + r20 * 4u] * weight29;
        sum17 += w0[32u + (s & 1u) * 16u + (j26 + 1u) + r22 * 4u] * weight29;
        sum18 += w0[32u + (s & 1u) * 16u + (j26 + 1u) + r24 * 4u] * weight29;
        sum15 += w0[32u + (s & 1u) * 16u + (j26 + 2u)] * weight30;
        sum16 += w0[32u + (s & 1u) * 16u + (j26 + 2u) + r20 * 4u] * weight30;
        sum17 += w0[32u + (s & 1u) * 16u + (j26 + 2u) + r22 * 4u] * weight30;
        sum18 += w0[32u + (s & 1u) * 16u + (j26 + 2u) + r24 * 4u] * weight30;
        sum15 += w0[32u + (s & 1u) * 16u + (j26 + 3u)] * weight31;
        sum16 += w0[32u + (s & 1u) * 16u + (j26 + 3u) + r20 * 4u] * weight31;
        sum17 += w0[32u + (s & 1u) * 16u + (j26 + 3u) + r22 * 4u] * weight31;
        sum18 += w0[32u + (s & 1u) * 16u + (j26 + 3u) + r24 * 4u] * weight31;
      }
      if (0u < rows) {
        w0[64u + column14] = sum15.x;
        w0[64u + (column14 + 1u)] = sum15.y;
        w0[64u + (column14 + 2u)] = sum15.z;
        w0[64u + (column14 + 3u)] = sum15.w;
      }
      if (1u < rows) {
        w0[64u + column14 + r20 * 16u] = sum16.x;
        w0[64u + (column14 + 1u) + r20 * 16u] = sum16.y;
        w0[64u + (column14 + 2u) + r20 * 16u] = sum16.z;
        w0[64u + (column14 + 3u) + r20 * 16u] = sum16.w;
      }
      if (2u < rows) {
        w0[64u + column14 + r22 * 16u] = sum17.x;
        w0[64u + (column14 + 1u) + r22 * 16u] = sum17.y;
        w0[64u + (column14 + 2u) + r22 * 16u] = sum17.z;
        w0[64u + (column14 + 3u) + r22 * 16u] = sum17.w;
      }
      if (3u < rows) {
        w0[64u + column14 + r24 * 16u] = sum18.x;
        w0[64u + (column14 + 1u) + r24 * 16u] = sum18.y;
        w0[64u + (column14 + 2u) + r24 * 16u] = sum18.z;
        w0[64u + (column14 + 3u) + r24 * 16u] = sum18.w;
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at32 = p8 + s * p9;
    let at33 = p10;
    let at34 = p11 + s * p12;
    let at35 = p13;
    let at36 = p14 + s * p15;
    let at37 = p16;
    let at38 = p17 + s * p18;
    let at39 = p19;
    let at40 = p20 + s * p21;
    let at41 = p22 + s * p23;
    let at42 = p24 + s * p25;
    let at43 = p26 + s * p27;
    let at44 = p28 + s * p29;
    let at45 = p30 + s * p31;
    let at46 = p32 + s * p33;
    if (thread < 16u) {
      let r47 = thread / 4u;
      if (r47 < rows) {
        let row48 = row0 + r47;
        let point49 = thread % 4u;
        let v50 = w0[(s & 1u) * 16u + point49 + r47 * 4u];
        let v51 = w0[32u + (s & 1u) * 16u + point49 + r47 * 4u];
        let v52 = b2[at32 + point49 + row48 * p34];
        let v53 = b0[at33 + point49];
        let v54 = w0[68u + point49 + r47 * 16u];
        let v55 = sigmoid_(((v52 + v53) + v54));
        let v56 = b2[at34 + point49 + row48 * p35];
        let v57 = b0[at35 + point49];
        let v58 = w0[64u + point49 + r47 * 16u];
        let v59 = sigmoid_(((v56 + v57) + v58));
        let v60 = b2[at36 + point49 + row48 * p36];
        let v61 = b0[at37 + point49];
        let v62 = w0[72u + point49 + r47 * 16u];
        let v63 = tanh_(((v60 + v61) + v62));
        let v64 = ((v55 * v50) + (v59 * v63));
        let v65 = b2[at38 + point49 + row48 * p37];
        let v66 = b0[at39 + point49];
        let v67 = w0[76u + point49 + r47 * 16u];
        let v68 = sigmoid_(((v65 + v66) + v67));
        let v69 = tanh_(v64);
        b2[at40 + point49 + row48 * p38] = v50;
        b2[at41 + point49 + row48 * p39] = v51;
        b2[at42 + point49 + row48 * p40] = v55;
        b2[at43 + point49 + row48 * p41] = v59;
        b2[at44 + point49 + row48 * p42] = v63;
        w0[16u + 0u - (s & 1u) * 16u + point49 + r47 * 4u] = v64;
        b2[at45 + point49 + row48 * p43] = v68;
        b2[at46 + point49 + row48 * p44] = v69;
        w0[48u + 0u - (s & 1u) * 16u + point49 + r47 * 4u] = (v68 * v69);
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at70 = p45;
  if (thread < 16u) {
    let r71 = thread / 4u;
    if (r71 < rows) {
      let row72 = row0 + r71;
      let point73 = thread % 4u;
      let v74 = w0[(length2 & 1u) * 16u + point73 + r71 * 4u];
      b2[at70 + point73 + row72 * p46] = v74;
    }
  }
  let at75 = p47;
  if (thread < 16u) {
    let r76 = thread / 4u;
    if (r76 < rows) {
      let row77 = row0 + r76;
      let point78 = thread % 4u;
      let v79 = w0[32u + (length2 & 1u) * 16u + point78 + r76 * 4u];
      b2[at75 + point78 + row77 * p48] = v79;
    }
  }
}

@group(0) @binding(0) var<storage, read> b0: array<f32>;
@group(0) @binding(1) var<storage, read> b1: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(0) @binding(4) var<uniform> params: array<vec4<u32>, 12>;
var<workgroup> w0: array<f32, 32>;
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
      let v7 = b3[at3 + point6 + row5 * p3];
      w0[(0u & 1u) * 16u + point6 + r4 * 4u] = v7;
    }
  }
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    let at8 = p4;
    let at9 = p5 + s * p6;
    if (thread < 3u) {
      let column10 = thread * 4u;
      var sum11 = vec4<f32>();
      var sum12 = vec4<f32>();
      var sum13 = vec4<f32>();
      var sum14 = vec4<f32>();
      let row15 = row0 + 0u;
      let r16 = min(1u, rows - 1u);
      let row17 = row0 + r16;
      let r18 = min(2u, rows - 1u);
      let row19 = row0 + r18;
      let r20 = min(3u, rows - 1u);
      let row21 = row0 + r20;
      let n23 = 4u;
      for (var j22 = 0u; j22 < n23; j22 += 4u) {
        let weight24 = b1[(at8 + column10 + j22 * p7) >> 2u];
        let weight25 = b1[(at8 + column10 + (j22 + 1u) * p7) >> 2u];
        let weight26 = b1[(at8 + column10 + (j22 + 2u) * p7) >> 2u];
        let weight27 = b1[(at8 + column10 + (j22 + 3u) * p7) >> 2u];
        sum11 += w0[(s & 1u) * 16u + j22] * weight24;
        sum12 += w0[(s & 1u) * 16u + j22 + r16 * 4u] * weight24;
        sum13 += w0[(s & 1u) * 16u + j22 + r18 * 4u] * weight24;
        sum14 += w0[(s & 1u) * 16u + j22 + r20 * 4u] * weight24;
        sum11 += w0[(s & 1u) * 16u + (j22 + 1u)] * weight25;
        sum12 += w0[(s & 1u) * 16u + (j22 + 1u) + r16 * 4u] * weight25;
        sum13 += w0[(s & 1u) * 16u + (j22 + 1u) + r18 * 4u] * weight25;
        sum14 += w0[(s & 1u) * 16u + (j22 + 1u) + r20 * 4u] * weight25;
        sum11 += w0[(s & 1u) * 16u + (j22 + 2u)] * weight26;
        sum12 += w0[(s & 1u) * 16u + (j22 + 2u) + r16 * 4u] * weight26;
        sum13 += w0[(s & 1u) * 16u + (j22 + 2u) + r18 * 4u] * weight26;
        sum14 += w0[(s & 1u) * 16u + (j22 + 2u) + r20 * 4u] * weight26;
        sum11 += w0[(s & 1u) * 16u + (j22 + 3u)] * weight27;
        sum12 += w0[(s & 1u) * 16u + (j22 + 3u) + r16 * 4u] * weight27;
        sum13 += w0[(s & 1u) * 16u + (j22 + 3u) + r18 * 4u] * weight27;
        sum14 += w0[(s & 1u) * 16u + (j22 + 3u) + r20 * 4u] * weight27;
      }
      if (0u < rows) {
        b3[at9 + column10 + row15 * p8] = sum11.x;
        b3[at9 + (column10 + 1u) + row15 * p8] = sum11.y;
        b3[at9 + (column10 + 2u) + row15 * p8] = sum11.z;
        b3[at9 + (column10 + 3u) + row15 * p8] = sum11.w;
      }
      if (1u < rows) {
        b3[at9 + column10 + row17 * p8] = sum12.x;
        b3[at9 + (column10 + 1u) + row17 * p8] = sum12.y;
        b3[at9 + (column10 + 2u) + row17 * p8] = sum12.z;
        b3[at9 + (column10 + 3u) + row17 * p8] = sum12.w;
      }
      if (2u < rows) {
        b3[at9 + column10 + row19 * p8] = sum13.x;
        b3[at9 + (column10 + 1u) + row19 * p8] = sum13.y;
        b3[at9 + (column10 + 2u) + row19 * p8] = sum13.z;
        b3[at9 + (column10 + 3u) + row19 * p8] = sum13.w;
      }
      if (3u < rows) {
        b3[at9 + column10 + row21 * p8] = sum14.x;
        b3[at9 + (column10 + 1u) + row21 * p8] = sum14.y;
        b3[at9 + (column10 + 2u) + row21 * p8] = sum14.z;
        b3[at9 + (column10 + 3u) + row21 * p8] = sum14.w;
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at28 = p9 + s * p10;
    let at29 = p11;
    let at30 = p12 + s * p13;
    let at31 = p14;
    let at32 = p15 + s * p16;
    let at33 = p17;
    let at34 = p18 + s * p19;
    let at35 = p20;
    let at36 = p21 + s * p22;
    let at37 = p23;
    let at38 = p24 + s * p25;
    let at39 = p26;
    let at40 = p27 + s * p28;
    let at41 = p29 + s * p30;
    let at42 = p31 + s * p32;
    let at43 = p33 + s * p34;
    if (thread < 16u) {
      let r44 = thread / 4u;
      if (r44 < rows) {
        let row45 = row0 + r44;
        let point46 = thread % 4u;
        let v47 = w0[(s & 1u) * 16u + point46 + r44 * 4u];
        let v48 = b3[at28 + point46 + row45 * p35];
        let v49 = b0[at29 + point46];
        let v50 = b3[at30 + point46 + row45 * p36];
        let v51 = b2[at31 + point46];
        let v52 = sigmoid_(((v48 + v49) + (v50 + v51)));
        let v53 = b3[at32 + point46 + row45 * p37];
        let v54 = b0[at33 + point46];
        let v55 = b3[at34 + point46 + row45 * p38];
        let v56 = b2[at35 + point46];
        let v57 = sigmoid_(((v53 + v54) + (v55 + v56)));
        let v58 = b3[at36 + point46 + row45 * p39];
        let v59 = b0[at37 + point46];
        let v60 = b3[at38 + point46 + row45 * p40];
        let v61 = b2[at39 + point46];
        let v62 = tanh_(((v58 + v59) + (v57 * (v60 + v61))));
        b3[at40 + point46 + row45 * p41] = v47;
        b3[at41 + point46 + row45 * p42] = v52;
        b3[at42 + point46 + row45 * p43] = v57;
        b3[at43 + point46 + row45 * p44] = v62;
        w0[16u + 0u - (s & 1u) * 16u + point46 + r44 * 4u] = ((v52 * v47) + ((1.0f - v52) * v62));
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at63 = p45;
  if (thread < 16u) {
    let r64 = thread / 4u;
    if (r64 < rows) {
      let row65 = row0 + r64;
      let point66 = thread % 4u;
      let v67 = w0[(length2 & 1u) * 16u + point66 + r64 * 4u];
      b3[at63 + point66 + row65 * p46] = v67;
    }
  }
}

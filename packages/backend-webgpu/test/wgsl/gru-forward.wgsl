@group(0) @binding(0) var<storage, read> b0: array<f32>;
@group(0) @binding(1) var<storage, read> b1: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(0) @binding(4) var<uniform> params: array<vec4<u32>, 10>;
var<workgroup> w0: array<f32, 80>;
var<workgroup> w1: array<vec4<f32>, 12>;
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
  let groupId0 = group.y * groups.x + group.x;
  let count1 = p0;
  let row0 = min(groupId0 * 4u, count1);
  let rows = min(4u, count1 - row0);
  let length2 = p1;
  let at3 = p2;
  if (thread < 12u) {
    let n4 = 3u;
    let i5 = thread % n4;
    let rest6 = thread / n4;
    w1[(rest6 * 12u + (i5 * 4u)) >> 2u] = b1[(at3 + rest6 * p3 + (i5 * 4u)) >> 2u];
  }
  let at7 = p4;
  if (thread < 16u) {
    let r8 = thread / 4u;
    if (r8 < rows) {
      let row9 = row0 + r8;
      let point10 = thread % 4u;
      let v11 = b3[at7 + point10 + row9 * p5];
      w0[(0u & 1u) * 16u + point10 + r8 * 4u] = v11;
    }
  }
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    if (thread < 3u) {
      let column12 = thread * 4u;
      var sum13 = vec4<f32>();
      var sum14 = vec4<f32>();
      var sum15 = vec4<f32>();
      var sum16 = vec4<f32>();
      let row17 = row0 + 0u;
      let r18 = min(1u, rows - 1u);
      let row19 = row0 + r18;
      let r20 = min(2u, rows - 1u);
      let row21 = row0 + r20;
      let r22 = min(3u, rows - 1u);
      let row23 = row0 + r22;
      let n25 = 4u;
      for (var j24 = 0u; j24 < n25; j24 += 4u) {
        let weight26 = w1[(column12 + j24 * 12u) >> 2u];
        let weight27 = w1[(column12 + (j24 + 1u) * 12u) >> 2u];
        let weight28 = w1[(column12 + (j24 + 2u) * 12u) >> 2u];
        let weight29 = w1[(column12 + (j24 + 3u) * 12u) >> 2u];
        sum13 += w0[(s & 1u) * 16u + j24] * weight26;
        sum14 += w0[(s & 1u) * 16u + j24 + r18 * 4u] * weight26;
        sum15 += w0[(s & 1u) * 16u + j24 + r20 * 4u] * weight26;
        sum16 += w0[(s & 1u) * 16u + j24 + r22 * 4u] * weight26;
        sum13 += w0[(s & 1u) * 16u + (j24 + 1u)] * weight27;
        sum14 += w0[(s & 1u) * 16u + (j24 + 1u) + r18 * 4u] * weight27;
        sum15 += w0[(s & 1u) * 16u + (j24 + 1u) + r20 * 4u] * weight27;
        sum16 += w0[(s & 1u) * 16u + (j24 + 1u) + r22 * 4u] * weight27;
        sum13 += w0[(s & 1u) * 16u + (j24 + 2u)] * weight28;
        sum14 += w0[(s & 1u) * 16u + (j24 + 2u) + r18 * 4u] * weight28;
        sum15 += w0[(s & 1u) * 16u + (j24 + 2u) + r20 * 4u] * weight28;
        sum16 += w0[(s & 1u) * 16u + (j24 + 2u) + r22 * 4u] * weight28;
        sum13 += w0[(s & 1u) * 16u + (j24 + 3u)] * weight29;
        sum14 += w0[(s & 1u) * 16u + (j24 + 3u) + r18 * 4u] * weight29;
        sum15 += w0[(s & 1u) * 16u + (j24 + 3u) + r20 * 4u] * weight29;
        sum16 += w0[(s & 1u) * 16u + (j24 + 3u) + r22 * 4u] * weight29;
      }
      if (0u < rows) {
        w0[32u + column12] = sum13.x;
        w0[32u + (column12 + 1u)] = sum13.y;
        w0[32u + (column12 + 2u)] = sum13.z;
        w0[32u + (column12 + 3u)] = sum13.w;
      }
      if (1u < rows) {
        w0[32u + column12 + r18 * 12u] = sum14.x;
        w0[32u + (column12 + 1u) + r18 * 12u] = sum14.y;
        w0[32u + (column12 + 2u) + r18 * 12u] = sum14.z;
        w0[32u + (column12 + 3u) + r18 * 12u] = sum14.w;
      }
      if (2u < rows) {
        w0[32u + column12 + r20 * 12u] = sum15.x;
        w0[32u + (column12 + 1u) + r20 * 12u] = sum15.y;
        w0[32u + (column12 + 2u) + r20 * 12u] = sum15.z;
        w0[32u + (column12 + 3u) + r20 * 12u] = sum15.w;
      }
      if (3u < rows) {
        w0[32u + column12 + r22 * 12u] = sum16.x;
        w0[32u + (column12 + 1u) + r22 * 12u] = sum16.y;
        w0[32u + (column12 + 2u) + r22 * 12u] = sum16.z;
        w0[32u + (column12 + 3u) + r22 * 12u] = sum16.w;
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at30 = p6 + s * p7;
    let at31 = p8;
    let at32 = p9;
    let at33 = p10 + s * p11;
    let at34 = p12;
    let at35 = p13;
    let at36 = p14;
    let at37 = p15 + s * p16;
    let at38 = p17;
    let at39 = p18 + s * p19;
    let at40 = p20 + s * p21;
    let at41 = p22 + s * p23;
    let at42 = p24 + s * p25;
    let at43 = p26 + s * p27;
    if (thread < 16u) {
      let r44 = thread / 4u;
      if (r44 < rows) {
        let row45 = row0 + r44;
        let point46 = thread % 4u;
        let v47 = w0[(s & 1u) * 16u + point46 + r44 * 4u];
        let v48 = b3[at30 + point46 + row45 * p28];
        let v49 = b0[at31 + point46];
        let v50 = w0[36u + point46 + r44 * 12u];
        let v51 = b2[at32 + point46];
        let v52 = sigmoid_(((v48 + v49) + (v50 + v51)));
        let v53 = b3[at33 + point46 + row45 * p29];
        let v54 = b0[at34 + point46];
        let v55 = w0[32u + point46 + r44 * 12u];
        let v56 = b2[at35 + point46];
        let v57 = sigmoid_(((v53 + v54) + (v55 + v56)));
        let v58 = w0[40u + point46 + r44 * 12u];
        let v59 = b2[at36 + point46];
        let v60 = (v58 + v59);
        let v61 = b3[at37 + point46 + row45 * p30];
        let v62 = b0[at38 + point46];
        let v63 = tanh_(((v61 + v62) + (v57 * v60)));
        b3[at39 + point46 + row45 * p31] = v47;
        b3[at40 + point46 + row45 * p32] = v52;
        b3[at41 + point46 + row45 * p33] = v57;
        b3[at42 + point46 + row45 * p34] = v60;
        b3[at43 + point46 + row45 * p35] = v63;
        w0[16u + 0u - (s & 1u) * 16u + point46 + r44 * 4u] = ((v52 * v47) + ((1.0f - v52) * v63));
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at64 = p36;
  if (thread < 16u) {
    let r65 = thread / 4u;
    if (r65 < rows) {
      let row66 = row0 + r65;
      let point67 = thread % 4u;
      let v68 = w0[(length2 & 1u) * 16u + point67 + r65 * 4u];
      b3[at64 + point67 + row66 * p37] = v68;
    }
  }
}

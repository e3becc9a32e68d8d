enable subgroups;
requires subgroup_id;
@group(0) @binding(0) var<storage, read> b0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<uniform> params: array<vec4<u32>, 4>;
var<workgroup> w0: array<f32, 88>;
var<workgroup> w1: array<vec4<f32>, 4>;
var<workgroup> w2: array<f32, 256>;
fn divide(a: f32, b: f32) -> f32 {
  let s = select(1.0f, 9.094947017729282e-13f, abs(b) > 1.2676506002282294e+30f);
  return (a * s) / (b * s);
}
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn tanh_(a: f32) -> f32 {
  if (isNan(a)) { return a; }
  let x = clamp(a, -9.0f, 9.0f);
  let xx = x * x;
  let quotient = x * fma(fma(fma(fma(1.3354697792067327e-8f, xx, 0.00002060915903712157f), xx, 0.003495595185086131f), xx, 0.13381032645702362f), xx, 1.0f) / fma(fma(fma(fma(7.776587267471768e-7f, xx, 0.00032856446341611445f), xx, 0.025877011939883232f), xx, 0.4671434760093689f), xx, 1.0f);
  return select(clamp(quotient, -1.0f, 1.0f), sign(a), abs(a) >= 9.02f);
}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(subgroup_size) subgroup_size: u32, @builtin(subgroup_id) subgroup: u32,
        @builtin(subgroup_invocation_id) member: u32) {
  let together = min(subgroup_size, 256u);
  let thread = subgroup * together + member;
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
  let groupId0 = group.y * groups.x + group.x;
  let count1 = p0;
  let row0 = min(groupId0 * 4u, count1);
  let rows = min(4u, count1 - row0);
  let length2 = p1;
  let at3 = p2;
  if (thread < 4u) {
    let n4 = 1u;
    let i5 = thread % n4;
    let rest6 = thread / n4;
    w1[(rest6 * 4u + (i5 * 4u)) >> 2u] = b0[(at3 + rest6 * p3 + (i5 * 4u)) >> 2u];
  }
  let at7 = p4;
  if (thread < 16u) {
    let r8 = thread / 4u;
    if (r8 < rows) {
      let row9 = row0 + r8;
      let point10 = thread % 4u;
      let v11 = b1[at7 + point10 + row9 * p5];
      w0[8u + (0u & 1u) * 16u + point10 + r8 * 4u] = v11;
    }
  }
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    if (thread < 1u) {
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
        let weight26 = w1[(column12 + j24 * 4u) >> 2u];
        let weight27 = w1[(column12 + (j24 + 1u) * 4u) >> 2u];
        let weight28 = w1[(column12 + (j24 + 2u) * 4u) >> 2u];
        let weight29 = w1[(column12 + (j24 + 3u) * 4u) >> 2u];
        sum13 += w0[8u + (s & 1u) * 16u + j24] * weight26;
        sum14 += w0[8u + (s & 1u) * 16u + j24 + r18 * 4u] * weight26;
        sum15 += w0[8u + (s & 1u) * 16u + j24 + r20 * 4u] * weight26;
        sum16 += w0[8u + (s & 1u) * 16u + j24 + r22 * 4u] * weight26;
        sum13 += w0[8u + (s & 1u) * 16u + (j24 + 1u)] * weight27;
        sum14 += w0[8u + (s & 1u) * 16u + (j24 + 1u) + r18 * 4u] * weight27;
        sum15 += w0[8u + (s & 1u) * 16u + (j24 + 1u) + r20 * 4u] * weight27;
        sum16 += w0[8u + (s & 1u) * 16u + (j24 + 1u) + r22 * 4u] * weight27;
        sum13 += w0[8u + (s & 1u) * 16u + (j24 + 2u)] * weight28;
        sum14 += w0[8u + (s & 1u) * 16u + (j24 + 2u) + r18 * 4u] * weight28;
        sum15 += w0[8u + (s & 1u) * 16u + (j24 + 2u) + r20 * 4u] * weight28;
        sum16 += w0[8u + (s & 1u) * 16u + (j24 + 2u) + r22 * 4u] * weight28;
        sum13 += w0[8u + (s & 1u) * 16u + (j24 + 3u)] * weight29;
        sum14 += w0[8u + (s & 1u) * 16u + (j24 + 3u) + r18 * 4u] * weight29;
        sum15 += w0[8u + (s & 1u) * 16u + (j24 + 3u) + r20 * 4u] * weight29;
        sum16 += w0[8u + (s & 1u) * 16u + (j24 + 3u) + r22 * 4u] * weight29;
      }
      if (0u < rows) {
        w0[40u + column12] = sum13.x;
        w0[40u + (column12 + 1u)] = sum13.y;
        w0[40u + (column12 + 2u)] = sum13.z;
        w0[40u + (column12 + 3u)] = sum13.w;
      }
      if (1u < rows) {
        w0[40u + column12 + r18 * 4u] = sum14.x;
        w0[40u + (column12 + 1u) + r18 * 4u] = sum14.y;
        w0[40u + (column12 + 2u) + r18 * 4u] = sum14.z;
        w0[40u + (column12 + 3u) + r18 * 4u] = sum14.w;
      }
      if (2u < rows) {
        w0[40u + column12 + r20 * 4u] = sum15.x;
        w0[40u + (column12 + 1u) + r20 * 4u] = sum15.y;
        w0[40u + (column12 + 2u) + r20 * 4u] = sum15.z;
        w0[40u + (column12 + 3u) + r20 * 4u] = sum15.w;
      }
      if (3u < rows) {
        w0[40u + column12 + r22 * 4u] = sum16.x;
        w0[40u + (column12 + 1u) + r22 * 4u] = sum16.y;
        w0[40u + (column12 + 2u) + r22 * 4u] = sum16.z;
        w0[40u + (column12 + 3u) + r22 * 4u] = sum16.w;
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at30 = p6 + s * p7;
    if (thread < 16u) {
      let r31 = thread / 4u;
      if (r31 < rows) {
        let row32 = row0 + r31;
        let point33 = thread % 4u;
        let v34 = b1[at30 + point33 + row32 * p8];
        let v35 = w0[40u + point33 + r31 * 4u];
        w0[56u + point33 + r31 * 4u] = (v34 + v35);
      }
    }
    storageBarrier();
    workgroupBarrier();
    let lane36 = thread % 4u;
    let part37 = thread / 4u;
    let r38 = lane36 / 1u;
    let exists39 = lane36 < 4u && r38 < rows;
    let row40 = row0 + r38;
    var total41: f32 = 0.0f;
    if (exists39) {
      let n43 = 4u;
      for (var j42 = part37; j42 < n43; j42 += 64u) {
        let v44 = w0[56u + j42 + r38 * 4u];
        total41 = (total41 + (v44 * bitcast<f32>(p9)));
      }
    }
    for (var distance45 = 4u; distance45 < together; distance45 <<= 1u) {
      let other46 = subgroupShuffleXor(total41, distance45);
      total41 = (total41 + other46);
    }
    w2[thread] = total41;
    workgroupBarrier();
    let apart47 = max(together, 4u);
    if (part37 == 0u) {
      for (var k48 = thread + apart47; k48 < 256u; k48 += apart47) {
        total41 = (total41 + w2[k48]);
      }
    }
    if (part37 == 0u && exists39) {
      w0[r38] = total41;
    }
    storageBarrier();
    workgroupBarrier();
    if (thread < 16u) {
      let r49 = thread / 4u;
      if (r49 < rows) {
        let row50 = row0 + r49;
        let point51 = thread % 4u;
        let v52 = w0[56u + point51 + r49 * 4u];
        let v53 = w0[r49];
        w0[72u + point51 + r49 * 4u] = (v52 - v53);
      }
    }
    storageBarrier();
    workgroupBarrier();
    let lane54 = thread % 4u;
    let part55 = thread / 4u;
    let r56 = lane54 / 1u;
    let exists57 = lane54 < 4u && r56 < rows;
    let row58 = row0 + r56;
    var total59: f32 = 0.0f;
    if (exists57) {
      let n61 = 4u;
      for (var j60 = part55; j60 < n61; j60 += 64u) {
        let v62 = w0[72u + j60 + r56 * 4u];
        total59 = (total59 + ((v62 * v62) * bitcast<f32>(p10)));
      }
    }
    for (var distance63 = 4u; distance63 < together; distance63 <<= 1u) {
      let other64 = subgroupShuffleXor(total59, distance63);
      total59 = (total59 + other64);
    }
    w2[thread] = total59;
    workgroupBarrier();
    let apart65 = max(together, 4u);
    if (part55 == 0u) {
      for (var k66 = thread + apart65; k66 < 256u; k66 += apart65) {
        total59 = (total59 + w2[k66]);
      }
    }
    if (part55 == 0u && exists57) {
      w0[4u + r56] = total59;
    }
    storageBarrier();
    workgroupBarrier();
    let at67 = p11 + s * p12;
    if (thread < 16u) {
      let r68 = thread / 4u;
      if (r68 < rows) {
        let row69 = row0 + r68;
        let point70 = thread % 4u;
        let v71 = w0[72u + point70 + r68 * 4u];
        let v72 = w0[4u + r68];
        let v73 = tanh_(divide(v71, sqrt((v72 + 0.0010000000474974513f))));
        w0[24u + 0u - (s & 1u) * 16u + point70 + r68 * 4u] = v73;
        b2[at67 + point70 + row69 * p13] = v73;
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at74 = p14;
  if (thread < 16u) {
    let r75 = thread / 4u;
    if (r75 < rows) {
      let row76 = row0 + r75;
      let point77 = thread % 4u;
      let v78 = w0[8u + (length2 & 1u) * 16u + point77 + r75 * 4u];
      b1[at74 + point77 + row76 * p15] = v78;
    }
  }
}

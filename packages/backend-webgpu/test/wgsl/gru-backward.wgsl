@group(0) @binding(0) var<storage, read> b0: array<f32>;
@group(0) @binding(1) var<storage, read> b1: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read> b3: array<f32>;
@group(0) @binding(4) var<uniform> params: array<vec4<u32>, 13>;
var<workgroup> w0: array<f32, 64>;
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
  let p49 = params[12].y;
  let p50 = params[12].z;
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
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    let at8 = p4 + s * p5;
    let at9 = p6 + s * p7;
    let at10 = p8 + s * p9;
    let at11 = p10 + s * p11;
    let at12 = p12;
    let at13 = p13 + s * p14;
    let at14 = p15 + s * p16;
    let at15 = p17 + s * p18;
    let at16 = p19 + s * p20;
    let at17 = p21 + s * p22;
    let at18 = p23 + s * p24;
    let at19 = p25 + s * p26;
    let at20 = p27 + s * p28;
    if (thread < 16u) {
      let r21 = thread / 4u;
      if (r21 < rows) {
        let row22 = row0 + r21;
        let point23 = thread % 4u;
        let v24 = w0[(s & 1u) * 16u + point23 + r21 * 4u];
        let v25 = b3[at8 + point23 + row22 * p29];
        let v26 = (v24 + v25);
        let v27 = b2[at9 + point23 + row22 * p30];
        let v28 = (1.0f - v27);
        let v29 = b2[at10 + point23 + row22 * p31];
        let v30 = ((v26 * v28) * (1.0f - (v29 * v29)));
        let v31 = b2[at11 + point23 + row22 * p32];
        let v32 = b0[at12 + point23];
        let v33 = b2[at13 + point23 + row22 * p33];
        let v34 = ((v30 * (v31 + v32)) * (v33 * (1.0f - v33)));
        let v35 = b2[at14 + point23 + row22 * p34];
        let v36 = (((-(v26 * v29)) + (v26 * v35)) * (v27 * v28));
        w0[32u + point23 + r21 * 4u] = v26;
        b2[at15 + point23 + row22 * p35] = v30;
        b2[at16 + point23 + row22 * p36] = v34;
        b2[at17 + point23 + row22 * p37] = v34;
        b2[at18 + point23 + row22 * p38] = v36;
        b2[at19 + point23 + row22 * p39] = v36;
        b2[at20 + point23 + row22 * p40] = (v30 * v33);
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at37 = p41 + s * p42;
    let at38 = p43;
    if (thread < 4u) {
      var sum39 = 0.0f;
      var sum40 = 0.0f;
      var sum41 = 0.0f;
      var sum42 = 0.0f;
      let row43 = row0 + 0u;
      let r44 = min(1u, rows - 1u);
      let row45 = row0 + r44;
      let r46 = min(2u, rows - 1u);
      let row47 = row0 + r46;
      let r48 = min(3u, rows - 1u);
      let row49 = row0 + r48;
      let n51 = 12u;
      for (var j50 = 0u; j50 < n51; j50 += 4u) {
        let weights52 = b1[(at38 + thread * p44 + j50) >> 2u];
        sum39 += b2[at37 + j50 + row43 * p45] * weights52.x;
        sum40 += b2[at37 + j50 + row45 * p45] * weights52.x;
        sum41 += b2[at37 + j50 + row47 * p45] * weights52.x;
        sum42 += b2[at37 + j50 + row49 * p45] * weights52.x;
        sum39 += b2[at37 + (j50 + 1u) + row43 * p45] * weights52.y;
        sum40 += b2[at37 + (j50 + 1u) + row45 * p45] * weights52.y;
        sum41 += b2[at37 + (j50 + 1u) + row47 * p45] * weights52.y;
        sum42 += b2[at37 + (j50 + 1u) + row49 * p45] * weights52.y;
        sum39 += b2[at37 + (j50 + 2u) + row43 * p45] * weights52.z;
        sum40 += b2[at37 + (j50 + 2u) + row45 * p45] * weights52.z;
        sum41 += b2[at37 + (j50 + 2u) + row47 * p45] * weights52.z;
        sum42 += b2[at37 + (j50 + 2u) + row49 * p45] * weights52.z;
        sum39 += b2[at37 + (j50 + 3u) + row43 * p45] * weights52.w;
        sum40 += b2[at37 + (j50 + 3u) + row45 * p45] * weights52.w;
        sum41 += b2[at37 + (j50 + 3u) + row47 * p45] * weights52.w;
        sum42 += b2[at37 + (j50 + 3u) + row49 * p45] * weights52.w;
      }
      if (0u < rows) {
        w0[48u + thread] = sum39;
      }
      if (1u < rows) {
        w0[48u + thread + r44 * 4u] = sum40;
      }
      if (2u < rows) {
        w0[48u + thread + r46 * 4u] = sum41;
      }
      if (3u < rows) {
        w0[48u + thread + r48 * 4u] = sum42;
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at53 = p46 + s * p47;
    if (thread < 16u) {
      let r54 = thread / 4u;
      if (r54 < rows) {
        let row55 = row0 + r54;
        let point56 = thread % 4u;
        let v57 = w0[32u + point56 + r54 * 4u];
        let v58 = b2[at53 + point56 + row55 * p48];
        let v59 = w0[48u + point56 + r54 * 4u];
        w0[16u + 0u - (s & 1u) * 16u + point56 + r54 * 4u] = ((v57 * v58) + v59);
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at60 = p49;
  if (thread < 16u) {
    let r61 = thread / 4u;
    if (r61 < rows) {
      let row62 = row0 + r61;
      let point63 = thread % 4u;
      let v64 = w0[(length2 & 1u) * 16u + point63 + r61 * 4u];
      b2[at60 + point63 + row62 * p50] = v64;
    }
  }
}

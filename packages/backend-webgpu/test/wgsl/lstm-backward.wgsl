@group(0) @binding(0) var<storage, read> b0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read> b2: array<f32>;
@group(0) @binding(3) var<uniform> params: array<vec4<u32>, 12>;
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
      let v7 = b1[at3 + point6 + row5 * p3];
      w0[(0u & 1u) * 16u + point6 + r4 * 4u] = v7;
    }
  }
  let at8 = p4;
  if (thread < 16u) {
    let r9 = thread / 4u;
    if (r9 < rows) {
      let row10 = row0 + r9;
      let point11 = thread % 4u;
      let v12 = b1[at8 + point11 + row10 * p5];
      w0[32u + (0u & 1u) * 16u + point11 + r9 * 4u] = v12;
    }
  }
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    let at13 = p6 + s * p7;
    let at14 = p8 + s * p9;
    let at15 = p10 + s * p11;
    let at16 = p12 + s * p13;
    let at17 = p14 + s * p15;
    let at18 = p16 + s * p17;
    let at19 = p18 + s * p19;
    let at20 = p20 + s * p21;
    let at21 = p22 + s * p23;
    let at22 = p24 + s * p25;
    let at23 = p26 + s * p27;
    if (thread < 16u) {
      let r24 = thread / 4u;
      if (r24 < rows) {
        let row25 = row0 + r24;
        let point26 = thread % 4u;
        let v27 = w0[(s & 1u) * 16u + point26 + r24 * 4u];
        let v28 = w0[32u + (s & 1u) * 16u + point26 + r24 * 4u];
        let v29 = b2[at13 + point26 + row25 * p28];
        let v30 = (v28 + v29);
        let v31 = b1[at14 + point26 + row25 * p29];
        let v32 = b1[at15 + point26 + row25 * p30];
        let v33 = (v27 + ((v30 * v31) * (1.0f - (v32 * v32))));
        let v34 = b1[at16 + point26 + row25 * p31];
        let v35 = b1[at17 + point26 + row25 * p32];
        let v36 = b1[at18 + point26 + row25 * p33];
        let v37 = b1[at19 + point26 + row25 * p34];
        w0[16u + 0u - (s & 1u) * 16u + point26 + r24 * 4u] = (v33 * v34);
        b1[at20 + point26 + row25 * p35] = ((v33 * v35) * (v36 * (1.0f - v36)));
        b1[at21 + point26 + row25 * p36] = ((v33 * v37) * (v34 * (1.0f - v34)));
        b1[at22 + point26 + row25 * p37] = ((v33 * v36) * (1.0f - (v35 * v35)));
        b1[at23 + point26 + row25 * p38] = ((v30 * v32) * (v31 * (1.0f - v31)));
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at38 = p39 + s * p40;
    let at39 = p41;
    if (thread < 4u) {
      var sum40 = 0.0f;
      var sum41 = 0.0f;
      var sum42 = 0.0f;
      var sum43 = 0.0f;
      let row44 = row0 + 0u;
      let r45 = min(1u, rows - 1u);
      let row46 = row0 + r45;
      let r47 = min(2u, rows - 1u);
      let row48 = row0 + r47;
      let r49 = min(3u, rows - 1u);
      let row50 = row0 + r49;
      let n52 = 16u;
      for (var j51 = 0u; j51 < n52; j51 += 4u) {
        let weights53 = b0[(at39 + thread * p42 + j51) >> 2u];
        sum40 += b1[at38 + j51 + row44 * p43] * weights53.x;
        sum41 += b1[at38 + j51 + row46 * p43] * weights53.x;
        sum42 += b1[at38 + j51 + row48 * p43] * weights53.x;
        sum43 += b1[at38 + j51 + row50 * p43] * weights53.x;
        sum40 += b1[at38 + (j51 + 1u) + row44 * p43] * weights53.y;
        sum41 += b1[at38 + (j51 + 1u) + row46 * p43] * weights53.y;
        sum42 += b1[at38 + (j51 + 1u) + row48 * p43] * weights53.y;
        sum43 += b1[at38 + (j51 + 1u) + row50 * p43] * weights53.y;
        sum40 += b1[at38 + (j51 + 2u) + row44 * p43] * weights53.z;
        sum41 += b1[at38 + (j51 + 2u) + row46 * p43] * weights53.z;
        sum42 += b1[at38 + (j51 + 2u) + row48 * p43] * weights53.z;
        sum43 += b1[at38 + (j51 + 2u) + row50 * p43] * weights53.z;
        sum40 += b1[at38 + (j51 + 3u) + row44 * p43] * weights53.w;
        sum41 += b1[at38 + (j51 + 3u) + row46 * p43] * weights53.w;
        sum42 += b1[at38 + (j51 + 3u) + row48 * p43] * weights53.w;
        sum43 += b1[at38 + (j51 + 3u) + row50 * p43] * weights53.w;
      }
      if (0u < rows) {
        w0[48u + 0u - (s & 1u) * 16u + thread] = sum40;
      }
      if (1u < rows) {
        w0[48u + 0u - (s & 1u) * 16u + thread + r45 * 4u] = sum41;
      }
      if (2u < rows) {
        w0[48u + 0u - (s & 1u) * 16u + thread + r47 * 4u] = sum42;
      }
      if (3u < rows) {
        w0[48u + 0u - (s & 1u) * 16u + thread + r49 * 4u] = sum43;
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at54 = p44;
  if (thread < 16u) {
    let r55 = thread / 4u;
    if (r55 < rows) {
      let row56 = row0 + r55;
      let point57 = thread % 4u;
      let v58 = w0[(length2 & 1u) * 16u + point57 + r55 * 4u];
      b1[at54 + point57 + row56 * p45] = v58;
    }
  }
  let at59 = p46;
  if (thread < 16u) {
    let r60 = thread / 4u;
    if (r60 < rows) {
      let row61 = row0 + r60;
      let point62 = thread % 4u;
      let v63 = w0[32u + (length2 & 1u) * 16u + point62 + r60 * 4u];
      b1[at59 + point62 + row61 * p47] = v63;
    }
  }
}

@group(0) @binding(0) var<storage, read> b0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read> b2: array<f32>;
@group(0) @binding(3) var<uniform> params: array<vec4<u32>, 13>;
var<workgroup> w0: array<f32, 64>;
var<workgroup> w1: array<vec4<f32>, 12>;
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
    w1[(rest6 * 4u + (i5 * 4u) * 4u) >> 2u] = b0[(at3 + rest6 * p3 + (i5 * 4u)) >> 2u];
  }
  let at7 = p4;
  if (thread < 16u) {
    let r8 = thread / 4u;
    if (r8 < rows) {
      let row9 = row0 + r8;
      let point10 = thread % 4u;
      let v11 = b1[at7 + point10 + row9 * p5];
      w0[(0u & 1u) * 16u + point10 + r8 * 4u] = v11;
    }
  }
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    let at12 = p6 + s * p7;
    let at13 = p8 + s * p9;
    let at14 = p10 + s * p11;
    let at15 = p12 + s * p13;
    let at16 = p14 + s * p15;
    let at17 = p16 + s * p17;
    let at18 = p18 + s * p19;
    let at19 = p20 + s * p21;
    let at20 = p22 + s * p23;
    let at21 = p24 + s * p25;
    let at22 = p26 + s * p27;
    let at23 = p28 + s * p29;
    if (thread < 16u) {
      let r24 = thread / 4u;
      if (r24 < rows) {
        let row25 = row0 + r24;
        let point26 = thread % 4u;
        let v27 = w0[(s & 1u) * 16u + point26 + r24 * 4u];
        let v28 = b2[at12 + point26 + row25 * p30];
        let v29 = (v27 + v28);
        let v30 = b1[at13 + point26 + row25 * p31];
        let v31 = (1.0f - v30);
        let v32 = b1[at14 + point26 + row25 * p32];
        let v33 = ((v29 * v31) * (1.0f - (v32 * v32)));
        let v34 = b1[at15 + point26 + row25 * p33];
        let v35 = b1[at16 + point26 + row25 * p34];
        let v36 = ((v33 * v34) * (v35 * (1.0f - v35)));
        let v37 = b1[at17 + point26 + row25 * p35];
        let v38 = (((-(v29 * v32)) + (v29 * v37)) * (v30 * v31));
        w0[32u + point26 + r24 * 4u] = v29;
        b1[at18 + point26 + row25 * p36] = v33;
        b1[at19 + point26 + row25 * p37] = v36;
        b1[at20 + point26 + row25 * p38] = v36;
        b1[at21 + point26 + row25 * p39] = v38;
        b1[at22 + point26 + row25 * p40] = v38;
        b1[at23 + point26 + row25 * p41] = (v33 * v35);
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at39 = p42 + s * p43;
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
      let n52 = 12u;
      for (var j51 = 0u; j51 < n52; j51 += 4u) {
        let weights53 = w1[(thread * 4u + j51 * 4u) >> 2u];
        sum40 += b1[at39 + j51 + row44 * p44] * weights53.x;
        sum41 += b1[at39 + j51 + row46 * p44] * weights53.x;
        sum42 += b1[at39 + j51 + row48 * p44] * weights53.x;
        sum43 += b1[at39 + j51 + row50 * p44] * weights53.x;
        sum40 += b1[at39 + (j51 + 1u) + row44 * p44] * weights53.y;
        sum41 += b1[at39 + (j51 + 1u) + row46 * p44] * weights53.y;
        sum42 += b1[at39 + (j51 + 1u) + row48 * p44] * weights53.y;
        sum43 += b1[at39 + (j51 + 1u) + row50 * p44] * weights53.y;
        sum40 += b1[at39 + (j51 + 2u) + row44 * p44] * weights53.z;
        sum41 += b1[at39 + (j51 + 2u) + row46 * p44] * weights53.z;
        sum42 += b1[at39 + (j51 + 2u) + row48 * p44] * weights53.z;
        sum43 += b1[at39 + (j51 + 2u) + row50 * p44] * weights53.z;
        sum40 += b1[at39 + (j51 + 3u) + row44 * p44] * weights53.w;
        sum41 += b1[at39 + (j51 + 3u) + row46 * p44] * weights53.w;
        sum42 += b1[at39 + (j51 + 3u) + row48 * p44] * weights53.w;
        sum43 += b1[at39 + (j51 + 3u) + row50 * p44] * weights53.w;
      }
      if (0u < rows) {
        w0[48u + thread] = sum40;
      }
      if (1u < rows) {
        w0[48u + thread + r45 * 4u] = sum41;
      }
      if (2u < rows) {
        w0[48u + thread + r47 * 4u] = sum42;
      }
      if (3u < rows) {
        w0[48u + thread + r49 * 4u] = sum43;
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at54 = p45 + s * p46;
    if (thread < 16u) {
      let r55 = thread / 4u;
      if (r55 < rows) {
        let row56 = row0 + r55;
        let point57 = thread % 4u;
        let v58 = w0[32u + point57 + r55 * 4u];
        let v59 = b1[at54 + point57 + row56 * p47];
        let v60 = w0[48u + point57 + r55 * 4u];
        w0[16u + 0u - (s & 1u) * 16u + point57 + r55 * 4u] = ((v58 * v59) + v60);
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at61 = p48;
  if (thread < 16u) {
    let r62 = thread / 4u;
    if (r62 < rows) {
      let row63 = row0 + r62;
      let point64 = thread % 4u;
      let v65 = w0[(length2 & 1u) * 16u + point64 + r62 * 4u];
      b1[at61 + point64 + row63 * p49] = v65;
    }
  }
}

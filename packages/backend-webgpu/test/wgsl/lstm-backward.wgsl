@group(0) @binding(0) var<storage, read> b0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read> b2: array<f32>;
@group(0) @binding(3) var<uniform> params: array<vec4<u32>, 12>;
var<workgroup> w0: array<f32, 64>;
var<workgroup> w1: array<vec4<f32>, 16>;
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
    let n4 = 4u;
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
  let at12 = p6;
  if (thread < 16u) {
    let r13 = thread / 4u;
    if (r13 < rows) {
      let row14 = row0 + r13;
      let point15 = thread % 4u;
      let v16 = b1[at12 + point15 + row14 * p7];
      w0[32u + (0u & 1u) * 16u + point15 + r13 * 4u] = v16;
    }
  }
  storageBarrier();
  workgroupBarrier();
  for (var s = 0u; s < length2; s++) {
    let at17 = p8 + s * p9;
    let at18 = p10 + s * p11;
    let at19 = p12 + s * p13;
    let at20 = p14 + s * p15;
    let at21 = p16 + s * p17;
    let at22 = p18 + s * p19;
    let at23 = p20 + s * p21;
    let at24 = p22 + s * p23;
    let at25 = p24 + s * p25;
    let at26 = p26 + s * p27;
    let at27 = p28 + s * p29;
    if (thread < 16u) {
      let r28 = thread / 4u;
      if (r28 < rows) {
        let row29 = row0 + r28;
        let point30 = thread % 4u;
        let v31 = w0[(s & 1u) * 16u + point30 + r28 * 4u];
        let v32 = w0[32u + (s & 1u) * 16u + point30 + r28 * 4u];
        let v33 = b2[at17 + point30 + row29 * p30];
        let v34 = (v32 + v33);
        let v35 = b1[at18 + point30 + row29 * p31];
        let v36 = b1[at19 + point30 + row29 * p32];
        let v37 = (v31 + ((v34 * v35) * (1.0f - (v36 * v36))));
        let v38 = b1[at20 + point30 + row29 * p33];
        let v39 = b1[at21 + point30 + row29 * p34];
        let v40 = b1[at22 + point30 + row29 * p35];
        let v41 = b1[at23 + point30 + row29 * p36];
        w0[16u + 0u - (s & 1u) * 16u + point30 + r28 * 4u] = (v37 * v38);
        b1[at24 + point30 + row29 * p37] = ((v37 * v39) * (v40 * (1.0f - v40)));
        b1[at25 + point30 + row29 * p38] = ((v37 * v41) * (v38 * (1.0f - v38)));
        b1[at26 + point30 + row29 * p39] = ((v37 * v40) * (1.0f - (v39 * v39)));
        b1[at27 + point30 + row29 * p40] = ((v34 * v36) * (v35 * (1.0f - v35)));
      }
    }
    storageBarrier();
    workgroupBarrier();
    let at42 = p41 + s * p42;
    if (thread < 4u) {
      var sum43 = 0.0f;
      var sum44 = 0.0f;
      var sum45 = 0.0f;
      var sum46 = 0.0f;
      let row47 = row0 + 0u;
      let r48 = min(1u, rows - 1u);
      let row49 = row0 + r48;
      let r50 = min(2u, rows - 1u);
      let row51 = row0 + r50;
      let r52 = min(3u, rows - 1u);
      let row53 = row0 + r52;
      let n55 = 16u;
      for (var j54 = 0u; j54 < n55; j54 += 4u) {
        let weights56 = w1[(thread * 4u + j54 * 4u) >> 2u];
        sum43 += b1[at42 + j54 + row47 * p43] * weights56.x;
        sum44 += b1[at42 + j54 + row49 * p43] * weights56.x;
        sum45 += b1[at42 + j54 + row51 * p43] * weights56.x;
        sum46 += b1[at42 + j54 + row53 * p43] * weights56.x;
        sum43 += b1[at42 + (j54 + 1u) + row47 * p43] * weights56.y;
        sum44 += b1[at42 + (j54 + 1u) + row49 * p43] * weights56.y;
        sum45 += b1[at42 + (j54 + 1u) + row51 * p43] * weights56.y;
        sum46 += b1[at42 + (j54 + 1u) + row53 * p43] * weights56.y;
        sum43 += b1[at42 + (j54 + 2u) + row47 * p43] * weights56.z;
        sum44 += b1[at42 + (j54 + 2u) + row49 * p43] * weights56.z;
        sum45 += b1[at42 + (j54 + 2u) + row51 * p43] * weights56.z;
        sum46 += b1[at42 + (j54 + 2u) + row53 * p43] * weights56.z;
        sum43 += b1[at42 + (j54 + 3u) + row47 * p43] * weights56.w;
        sum44 += b1[at42 + (j54 + 3u) + row49 * p43] * weights56.w;
        sum45 += b1[at42 + (j54 + 3u) + row51 * p43] * weights56.w;
        sum46 += b1[at42 + (j54 + 3u) + row53 * p43] * weights56.w;
      }
      if (0u < rows) {
        w0[48u + 0u - (s & 1u) * 16u + thread] = sum43;
      }
      if (1u < rows) {
        w0[48u + 0u - (s & 1u) * 16u + thread + r48 * 4u] = sum44;
      }
      if (2u < rows) {
        w0[48u + 0u - (s & 1u) * 16u + thread + r50 * 4u] = sum45;
      }
      if (3u < rows) {
        w0[48u + 0u - (s & 1u) * 16u + thread + r52 * 4u] = sum46;
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  let at57 = p44;
  if (thread < 16u) {
    let r58 = thread / 4u;
    if (r58 < rows) {
      let row59 = row0 + r58;
      let point60 = thread % 4u;
      let v61 = w0[(length2 & 1u) * 16u + point60 + r58 * 4u];
      b1[at57 + point60 + row59 * p45] = v61;
    }
  }
  let at62 = p46;
  if (thread < 16u) {
    let r63 = thread / 4u;
    if (r63 < rows) {
      let row64 = row0 + r63;
      let point65 = thread % 4u;
      let v66 = w0[32u + (length2 & 1u) * 16u + point65 + r63 * 4u];
      b1[at62 + point65 + row64 * p47] = v66;
    }
  }
}

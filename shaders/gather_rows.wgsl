// gather_rows: y[i, :] = table[ids[i], :], zeros where the id is outside the table
//
// One thread for four values of y. A table that was split is gathered part by part: a part writes its own rows, the
// first part also the zeros.
// grid (ceil(ids * ceil(k / 4) / 64), folded)

#import index
#ifndef dense
#import weight
#endif

struct Params {
    n: u32,       // ids
    k: u32,       // columns
    rows: u32,    // rows of the whole table
    stride: u32,  // words of a row of w
    first: u32,   // first row in w
    start: u32,   // its row in the table
    count: u32,   // rows of this part
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<u32>;         // [first + count or more, stride]
@group(0) @binding(2) var<storage, read> ids: array<i32>;       // [n]
@group(0) @binding(3) var<storage, read_write> y: array<u32>;   // [n, k], any four-byte values

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let quads = (params.k + 3u) / 4u;
    let thread = flat(group, groups) * 64u + local;
    let i = thread / quads;
    if i >= params.n {
        return;
    }
    let k = 4u * (thread % quads);
    let last = min(4u, params.k - k);
    let id = ids[i];
    if id < 0 || u32(id) >= params.rows {
        for (var j = 0u; j < last && params.start == 0u; j++) {
            y[i * params.k + k + j] = 0u;
        }
        return;
    }
    let place = u32(id) - params.start;
    if u32(id) < params.start || place >= params.count {
        return;
    }
    let row = (params.first + place) * params.stride;
#ifdef dense
    for (var j = 0u; j < last; j++) {
        y[i * params.k + k + j] = w[row + k + j];
    }
#else
    let g = k / GROUP;
    let s = scale(row, g);
    let values = bitcast<vec4u>(s.x * quad(row, g, (k % GROUP) / 4u) - s.y);
    for (var j = 0u; j < last; j++) {
        y[i * params.k + k + j] = values[j];
    }
#endif
}

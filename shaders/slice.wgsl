// slice: y[o, i, :] = x[o, start + i, :]
//
// One thread an element of y.
// grid (ceil(outer * len * inner / 64), folded)

#import index

struct Params { n: u32, size: u32, start: u32, len: u32, inner: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;       // [outer, size, inner], any four-byte values
@group(0) @binding(2) var<storage, read_write> y: array<u32>; // [outer, len, inner]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    if i >= params.n {
        return;
    }
    let block = params.len * params.inner;
    y[i] = x[(i / block) * params.size * params.inner + params.start * params.inner + i % block];
}

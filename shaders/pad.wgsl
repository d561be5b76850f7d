// pad: y[o, start + i, :] = x[o, i, :], zeros elsewhere
//
// One thread an element of y.
// grid (ceil(outer * size * inner / 64), folded)

#import index

struct Params { n: u32, size: u32, start: u32, len: u32, inner: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;       // [outer, len, inner], any four-byte values
@group(0) @binding(2) var<storage, read_write> y: array<u32>; // [outer, size, inner]

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
    let column = i % params.inner;
    let outer = i / params.inner / params.size;
    // What stands before the start wraps around and is beyond the length.
    let place = i / params.inner % params.size - params.start;
    var value = 0u;
    if place < params.len {
        value = x[(outer * params.len + place) * params.inner + column];
    }
    y[i] = value;
}

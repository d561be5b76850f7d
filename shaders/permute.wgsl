// permute: axis i of y is axis axes[i] of x
//
// One thread an element of y; its place in x by eight sizes and strides, outermost first.
// grid (ceil(n / 64), folded)

#import index

struct Params {
    sizes: array<vec4u, 2>,
    strides: array<vec4u, 2>,
    n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;       // any four-byte values
@group(0) @binding(2) var<storage, read_write> y: array<u32>; // [n]

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
    var rest = i;
    var at = 0u;
    for (var axis = 7i; axis >= 0; axis--) {
        let size = params.sizes[axis / 4][axis % 4];
        at += (rest % size) * params.strides[axis / 4][axis % 4];
        rest /= size;
    }
    y[i] = x[at];
}

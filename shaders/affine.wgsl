// affine: y[i] = x[i] * factor + offset
//
// One thread an element.
// grid (ceil(n / 64), folded)

#import index

struct Params { n: u32, factor: f32, offset: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // [n]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [n]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    if i < params.n {
        y[i] = x[i] * params.factor + params.offset;
    }
}

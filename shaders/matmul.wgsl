// matmul: y[b, r, c] = sum_k a[b, r, k] b[b, k, c]
//
// One thread an element of y; neighbouring threads read neighbouring columns of b.
// grid (ceil(batch * m * n / 64), folded)

#import index

struct Params { batch: u32, m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;       // [batch, m, k]
@group(0) @binding(2) var<storage, read> b: array<f32>;       // [batch, k, n]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [batch, m, n]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    if i >= params.batch * params.m * params.n {
        return;
    }
    let row = i / params.n;
    let column = i % params.n;
    let first = (row / params.m) * params.k * params.n + column;
    var sum = 0.0;
    for (var k = 0u; k < params.k; k++) {
        sum += a[row * params.k + k] * b[first + k * params.n];
    }
    y[i] = sum;
}

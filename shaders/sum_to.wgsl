// sum_to: y[i] = sum over j of x[first + place(i) + place(j)]; i walks the axes that stay, j those that are summed
//
// One thread a result, or one for each of `chunks` parts of it: part p takes every j with j % chunks = p, and a second
// dispatch sums the parts. Four sums side by side, because an invocation has few turns on software adapters and long
// sums round less.
// grid (ceil(n * chunks / 64), folded)

#import index

struct Params {
    sizes: vec4u,         // of the axes that stay, outermost first
    strides: vec4u,
    summed_sizes: vec4u,  // of those that are summed
    summed_strides: vec4u,
    n: u32,               // results
    count: u32,           // what is summed for each
    chunks: u32,
    first: u32,           // where x begins
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [chunks, n]

// The place of element i of four axes.
fn place(i: u32, sizes: vec4u, strides: vec4u) -> u32 {
    let z = i / sizes.w;
    let y = z / sizes.z;
    let x = y / sizes.y;
    return dot(vec4u(x, y % sizes.y, z % sizes.z, i % sizes.w), strides);
}

fn summed(first: u32, j: u32) -> f32 {
    return x[first + place(j, params.summed_sizes, params.summed_strides)];
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    if i >= params.n * params.chunks {
        return;
    }
    let first = params.first + place(i % params.n, params.sizes, params.strides);
    let step = params.chunks;
    var j = i / params.n;
    var sums = vec4f();
    while j + 3u * step < params.count {
        let near = vec2f(summed(first, j), summed(first, j + step));
        sums += vec4f(near, summed(first, j + 2u * step), summed(first, j + 3u * step));
        j += 4u * step;
    }
    while j < params.count {
        sums.x += summed(first, j);
        j += step;
    }
    y[i] = (sums.x + sums.y) + (sums.z + sums.w);
}

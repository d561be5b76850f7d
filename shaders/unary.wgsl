// unary: y[i] = f(x[i])
//
// One thread an element. f is an activation (1 to 7, as in `act`) or, from 16, the other functions of
// `graph::UnaryOp` in order.
// grid (ceil(n / 64), folded)

#import index
#import act
#import turn

struct Params { n: u32, kind: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // [n]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [n]

fn unary(kind: u32, x: f32) -> f32 {
    switch kind {
        case 16u: { return -x; }
        case 17u: { return exp(x); }
        case 18u: { return log(x); }
        case 19u: { return x * x; }
        case 20u: { return sqrt(x); }
        case 21u: { return 1.0 / x; }
        case 22u: { return cosine(x); }
        case 23u: { return sine(x); }
        default: { return act(kind, x); }
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    if i < params.n {
        y[i] = unary(params.kind, x[i]);
    }
}

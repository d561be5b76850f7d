// unary_grad: dx[i] = dy[i] f'(x[i])
//
// One thread an element; f by number as in `unary`.
// grid (ceil(n / 64), folded)

#import index
#import act_grad
#import turn

struct Params { n: u32, kind: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // [n]
@group(0) @binding(2) var<storage, read> dy: array<f32>;       // [n]
@group(0) @binding(3) var<storage, read_write> dx: array<f32>; // [n]

fn derivative(kind: u32, x: f32) -> f32 {
    switch kind {
        case 16u: { return -1.0; }
        case 17u: { return exp(x); }
        case 18u: { return 1.0 / x; }
        case 19u: { return 2.0 * x; }
        case 20u: { return 0.5 / sqrt(x); }
        case 21u: { return -1.0 / (x * x); }
        case 22u: { return -sine(x); }
        case 23u: { return cosine(x); }
        default: { return act_grad(kind, x); }
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
        dx[i] = dy[i] * derivative(params.kind, x[i]);
    }
}

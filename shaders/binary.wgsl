// binary: y[i] = f(a[..], b[..]) with broadcasting
//
// One thread an element of y. Each has its place in a and b by eight sizes and strides, outermost first; a stride of 0
// broadcasts. f by number in the order of `graph::BinaryOp`.
// grid (ceil(n / 64), folded)

#import index

struct Params {
    sizes: array<vec4u, 2>,
    a_strides: array<vec4u, 2>,
    b_strides: array<vec4u, 2>,
    n: u32,
    kind: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;       // broadcast to y
@group(0) @binding(2) var<storage, read> b: array<f32>;       // broadcast to y
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [n]

fn binary(kind: u32, a: f32, b: f32) -> f32 {
    switch kind {
        case 0u: { return a + b; }
        case 1u: { return a - b; }
        case 2u: { return a * b; }
        case 3u: { return a / b; }
        case 4u: { return max(a, b); }
        case 5u: { return min(a, b); }
        default: { return select(0.0, 1.0, a >= b); }
    }
}

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
    var a_at = 0u;
    var b_at = 0u;
    for (var axis = 7i; axis >= 0; axis--) {
        let size = params.sizes[axis / 4][axis % 4];
        if size == 1u {
            continue;
        }
        let place = rest % size;
        rest /= size;
        a_at += place * params.a_strides[axis / 4][axis % 4];
        b_at += place * params.b_strides[axis / 4][axis % 4];
    }
    y[i] = binary(params.kind, a[a_at], b[b_at]);
}

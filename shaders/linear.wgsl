// linear: y[r, c] = act(sum_k x[r, k] w[c, k] + bias[c])
//
// One thread for one row of w and one row of x, or four rows of x in the variants `block`. No barrier: this is the
// kernel for software adapters. Groups of values that share a scale are summed first and scaled once.
// grid (ceil(n * ceil(m / rows) / 64), folded)

#import index
#import linear

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // [m, k]
@group(0) @binding(2) var<storage, read> w: array<u32>;       // [n, stride]
@group(0) @binding(3) var<storage, read> bias: array<f32>;    // [width] or unused
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [m, width]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    let c = i % params.n;
    let row = c * params.stride;
    let count = (params.k + GROUP - 1u) / GROUP;
#ifdef block
    let r = 4u * (i / params.n);
    if r >= params.m {
        return;
    }
    let rows = min(vec4u(r, r + 1u, r + 2u, r + 3u), vec4u(params.m - 1u));
    var sums = vec4f();
    for (var g = 0u; g < count; g++) {
        var dots = vec4f();
        var totals = vec4f();
        for (var j = 0u; j < GROUP / 4u; j++) {
            let q = quad(row, g, j);
            let k = g * GROUP + 4u * j;
            let a = x_quad(rows.x, k);
            let b = x_quad(rows.y, k);
            let d = x_quad(rows.z, k);
            let e = x_quad(rows.w, k);
            dots += vec4f(dot(q, a), dot(q, b), dot(q, d), dot(q, e));
            if HAS_MIN {
                let one = vec4f(1.0);
                totals += vec4f(dot(one, a), dot(one, b), dot(one, d), dot(one, e));
            }
        }
        let s = scale(row, g);
        sums += s.x * dots - s.y * totals;
    }
    for (var j = 0u; j < min(4u, params.m - r); j++) {
        finish(sums[j], r + j, c);
    }
#else
    let r = i / params.n;
    if r >= params.m {
        return;
    }
    var sum = 0.0;
    for (var g = 0u; g < count; g++) {
        var dots = vec4f();
        var totals = vec4f();
        for (var j = 0u; j < GROUP / 4u; j++) {
            let a = x_quad(r, g * GROUP + 4u * j);
            dots += quad(row, g, j) * a;
            if HAS_MIN {
                totals += a;
            }
        }
        let s = scale(row, g);
        sum += dot(s.x * dots - s.y * totals, vec4f(1.0));
    }
    finish(sum, r, c);
#endif
}

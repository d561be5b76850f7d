// linear: y[r, c] = act(sum_k x[r, k] w[c, k] + bias[c]) for few rows of x
//
// One workgroup for one row of w and one row of x: each thread strides over the groups of the row, then a tree sum.
// Neighbouring threads read neighbouring words. The kernel for decoding on a real GPU.
// grid (n * m, folded)

#import index
#import linear
#import sum

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups);
    if i >= params.n * params.m {
        return;
    }
    let c = i % params.n;
    let r = i / params.n;
    let row = (params.first + c) * params.stride;
    let quads = (params.k + 3u) / 4u;
    var part = 0.0;
    for (var j = local; j < quads; j += 64u) {
        let g = j / (GROUP / 4u);
        let a = x_quad(r, 4u * j);
        let s = scale(row, g);
        part += s.x * dot(quad(row, g, j % (GROUP / 4u)), a);
        if HAS_MIN {
            part -= s.y * dot(vec4f(1.0), a);
        }
    }
    let sum = workgroup_sum(part, local);
    if local == 0u {
        finish(sum, r, c);
    }
}

// linear: y[r, c] = act(sum_k x[r, k] w[c, k] + bias[c]) for few rows of x
//
// One workgroup for four rows of w and one row of x: each thread strides over the row, then a tree of four sums.
// Neighbouring threads read neighbouring words. The kernel for decoding on a real GPU.
// grid (ceil(n / COLUMNS) * m, folded)

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
    let across = (params.n + COLUMNS - 1u) / COLUMNS;
    let r = i / across;
    if r >= params.m {
        return;
    }
    let row = block_rows(i % across);
    let quads = (params.k + 3u) / 4u;
    var part = vec4f();
    for (var j = local; j < quads; j += 64u) {
        let g = j / (GROUP / 4u);
        let l = j % (GROUP / 4u);
        let a = x_quad(r, 4u * j);
        let dots = a * mat4x4f(quad(row.x, g, l), quad(row.y, g, l), quad(row.z, g, l), quad(row.w, g, l));
        let s = mat4x2f(scale(row.x, g), scale(row.y, g), scale(row.z, g), scale(row.w, g));
        part += vec4f(s[0].x, s[1].x, s[2].x, s[3].x) * dots;
        if HAS_MIN {
            part -= vec4f(s[0].y, s[1].y, s[2].y, s[3].y) * dot(vec4f(1.0), a);
        }
    }
    let sums = workgroup_sum4(part, local);
    if local == 0u {
        finish_block(sums, r, i % across);
    }
}

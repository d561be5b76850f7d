// linear: y[r, c] = act(sum_k x[r, k] w[c, k] + bias[c])
//
// One thread for four rows of w and one row of x, or four rows of x in the variants `block`: on software adapters each
// load costs more than a multiplication, so what is loaded is used four times. No barrier, and small workgroups, which
// are what such an adapter spreads over its cores. Groups of values that share a scale are summed first and scaled
// once.
// grid (ceil(ceil(n / COLUMNS) * ceil(m / rows) / 16), folded)

#import index
#import linear

@compute @workgroup_size(16)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 16u + local;
    let across = (params.n + COLUMNS - 1u) / COLUMNS;
    let row = block_rows(i % across);
    let count = (params.k + GROUP - 1u) / GROUP;
#ifdef block
    let r = 4u * (i / across);
    if r >= params.m {
        return;
    }
    let source = min(r + vec4u(0u, 1u, 2u, 3u), vec4u(params.m - 1u));
    // One column for each row of x.
    var sums = mat4x4f();
    for (var g = 0u; g < count; g++) {
        var dots = mat4x4f();
        var totals = vec4f();
        for (var j = 0u; j < GROUP / 4u; j++) {
            let k = g * GROUP + 4u * j;
            // One row of w a column: a vector times this gives four dot products.
            let q = mat4x4f(quad(row.x, g, j), quad(row.y, g, j), quad(row.z, g, j), quad(row.w, g, j));
            let a = mat4x4f(x_quad(source.x, k), x_quad(source.y, k), x_quad(source.z, k), x_quad(source.w, k));
            dots += mat4x4f(a[0] * q, a[1] * q, a[2] * q, a[3] * q);
            if HAS_MIN {
                totals += vec4f(1.0) * a;
            }
        }
        let s = mat4x2f(scale(row.x, g), scale(row.y, g), scale(row.z, g), scale(row.w, g));
        let factor = vec4f(s[0].x, s[1].x, s[2].x, s[3].x);
        let less = vec4f(s[0].y, s[1].y, s[2].y, s[3].y);
        sums += mat4x4f(
            factor * dots[0] - less * totals.x,
            factor * dots[1] - less * totals.y,
            factor * dots[2] - less * totals.z,
            factor * dots[3] - less * totals.w,
        );
    }
    for (var j = 0u; j < min(4u, params.m - r); j++) {
        finish_block(sums[j], r + j, i % across);
    }
#else
    let r = i / across;
    if r >= params.m {
        return;
    }
    var sums = vec4f();
    for (var g = 0u; g < count; g++) {
        var dots = vec4f();
        var total = 0.0;
        for (var j = 0u; j < GROUP / 4u; j++) {
            let a = x_quad(r, g * GROUP + 4u * j);
            dots += a * mat4x4f(quad(row.x, g, j), quad(row.y, g, j), quad(row.z, g, j), quad(row.w, g, j));
            if HAS_MIN {
                total += dot(vec4f(1.0), a);
            }
        }
        let s = mat4x2f(scale(row.x, g), scale(row.y, g), scale(row.z, g), scale(row.w, g));
        sums += vec4f(s[0].x, s[1].x, s[2].x, s[3].x) * dots - vec4f(s[0].y, s[1].y, s[2].y, s[3].y) * total;
    }
    finish_block(sums, r, i % across);
#endif
}

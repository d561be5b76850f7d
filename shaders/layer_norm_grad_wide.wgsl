// layer_norm_grad: dx[r, :] = f (d - mean(d) - u mean(d u)), d = dy weight, u = (x - mean) f, f = 1 / sqrt(var + eps)
//
// One workgroup a row: each thread strides over the columns, then trees of sums. Leaves mean(x) and f for
// norm_grad_columns.
// grid (rows, folded)

#import index
#import norm_grad
#import sum

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let row = flat(group, groups);
    if row >= params.rows {
        return;
    }
    let first = row * params.cols;
    var part = 0.0;
    for (var c = local; c < params.cols; c += 64u) {
        part += x[first + c];
    }
    let mean = workgroup_sum(part, local) / f32(params.cols);
    var parts = vec4f();
    for (var c = local; c < params.cols; c += 64u) {
        let centred = x[first + c] - mean;
        let d = dy[first + c] * weight[c];
        parts += vec4f(centred * centred, d, d * centred, 0.0);
    }
    let means = workgroup_sum4(parts, local) / f32(params.cols);
    let factor = inverseSqrt(means.x + params.eps);
    let along = factor * factor * means.z;
    for (var c = local; c < params.cols; c += 64u) {
        dx[first + c] = factor * (dy[first + c] * weight[c] - means.y - (x[first + c] - mean) * along);
    }
    if local == 0u {
        rows[row] = vec2f(mean, factor);
    }
}

// rms_norm_grad: dx[r, :] = f (dy weight - x f^2 mean(dy weight x)), f = 1 / sqrt(mean(x^2) + eps)
//
// One workgroup a row: each thread strides over the columns, then a tree of sums. Leaves f for norm_grad_columns.
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
    var part = vec2f();
    for (var c = local; c < params.cols; c += 64u) {
        let value = x[first + c];
        part += value * vec2f(value, dy[first + c] * weight[c]);
    }
    let means = workgroup_sum4(vec4f(part, 0.0, 0.0), local).xy / f32(params.cols);
    let factor = inverseSqrt(means.x + params.eps);
    let along = factor * factor * means.y;
    for (var c = local; c < params.cols; c += 64u) {
        dx[first + c] = factor * (dy[first + c] * weight[c] - x[first + c] * along);
    }
    if local == 0u {
        rows[row] = vec2f(0.0, factor);
    }
}

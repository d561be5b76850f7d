// rms_norm_grad: dx[r, :] = f (dy weight - x f^2 mean(dy weight x)), f = 1 / sqrt(mean(x^2) + eps)
//
// One thread a row, no barrier: for software adapters. Leaves f for norm_grad_columns.
// grid (ceil(rows / 64), folded)

#import index
#import norm_grad

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let row = flat(group, groups) * 64u + local;
    if row >= params.rows {
        return;
    }
    let first = row * params.cols;
    var sums = vec2f();
    for (var c = 0u; c < params.cols; c++) {
        let value = x[first + c];
        sums += value * vec2f(value, dy[first + c] * weight[c]);
    }
    let means = sums / f32(params.cols);
    let factor = inverseSqrt(means.x + params.eps);
    let along = factor * factor * means.y;
    for (var c = 0u; c < params.cols; c++) {
        dx[first + c] = factor * (dy[first + c] * weight[c] - x[first + c] * along);
    }
    rows[row] = vec2f(0.0, factor);
}

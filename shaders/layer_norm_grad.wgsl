// layer_norm_grad: dx[r, :] = f (d - mean(d) - u mean(d u)), d = dy weight, u = (x - mean) f, f = 1 / sqrt(var + eps)
//
// One thread a row, no barrier: for software adapters. Leaves mean(x) and f for norm_grad_columns.
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
    var sum = 0.0;
    for (var c = 0u; c < params.cols; c++) {
        sum += x[first + c];
    }
    let mean = sum / f32(params.cols);
    var sums = vec3f();
    for (var c = 0u; c < params.cols; c++) {
        let centred = x[first + c] - mean;
        let d = dy[first + c] * weight[c];
        sums += vec3f(centred * centred, d, d * centred);
    }
    let means = sums / f32(params.cols);
    let factor = inverseSqrt(means.x + params.eps);
    let along = factor * factor * means.z;
    for (var c = 0u; c < params.cols; c++) {
        dx[first + c] = factor * (dy[first + c] * weight[c] - means.y - (x[first + c] - mean) * along);
    }
    rows[row] = vec2f(mean, factor);
}

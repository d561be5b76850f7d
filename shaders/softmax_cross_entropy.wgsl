// softmax_cross_entropy: lse[r] = log sum_c exp(x[r, c]), loss[r] = lse - (1 - s) x[r, target] - s mean_c x[r, c]
//
// One thread a row, no barrier: for software adapters. A target outside gives a loss of 0. Everything is taken relative
// to the largest logit.
// grid (ceil(rows / 64), folded)

#import index
#import cross_entropy

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
    var top = x[first];
    for (var c = 1u; c < params.cols; c++) {
        top = max(top, x[first + c]);
    }
    var sums = vec2f();
    for (var c = 0u; c < params.cols; c++) {
        let below = x[first + c] - top;
        sums += vec2f(exp(max(below, -87.0)), below);
    }
    finish(row, top, sums);
}

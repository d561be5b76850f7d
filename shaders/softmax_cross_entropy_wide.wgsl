// softmax_cross_entropy: lse[r] = log sum_c exp(x[r, c]), loss[r] = lse - (1 - s) x[r, target] - s mean_c x[r, c]
//
// One workgroup a row: each thread strides over the classes, then trees. A target outside gives a loss of 0. Everything is
// taken relative to the largest logit.
// grid (rows, folded)

#import index
#import cross_entropy
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
    var largest = x[first];
    for (var c = local; c < params.cols; c += 64u) {
        largest = max(largest, x[first + c]);
    }
    let top = workgroup_max(largest, local);
    var part = vec2f();
    for (var c = local; c < params.cols; c += 64u) {
        let below = x[first + c] - top;
        part += vec2f(exp(max(below, -87.0)), below);
    }
    let sums = workgroup_sum4(vec4f(part, 0.0, 0.0), local);
    if local == 0u {
        finish(row, top, sums.xy);
    }
}

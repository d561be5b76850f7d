// softmax: y[r, :] = exp(x[r, :] - max) / sum(exp(x[r, :] - max))
//
// One workgroup a row: each thread strides over the columns, then a tree sum.
// grid (rows, folded)

#import index
#import sum

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // [rows, cols]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [rows, cols]

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
    var top = x[first];
    for (var c = local; c < params.cols; c += 64u) {
        top = max(top, x[first + c]);
    }
    top = workgroup_max(top, local);
    var part = 0.0;
    for (var c = local; c < params.cols; c += 64u) {
        part += exp(x[first + c] - top);
    }
    let sum = workgroup_sum(part, local);
    for (var c = local; c < params.cols; c += 64u) {
        y[first + c] = exp(x[first + c] - top) / sum;
    }
}

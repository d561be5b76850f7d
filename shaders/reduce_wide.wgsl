// reduce: y[r] = sum, mean or max of x[r, :]
//
// One workgroup a row: each thread strides over the columns, then a tree sum.
// grid (rows, folded)

#import index
#import sum

// kind: 0 sum, 1 mean, 2 max.
struct Params { rows: u32, cols: u32, kind: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // [rows, cols]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [rows]

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
    var top = x[first];
    for (var c = local; c < params.cols; c += 64u) {
        part += x[first + c];
        top = max(top, x[first + c]);
    }
    let sum = workgroup_sum(part, local);
    top = workgroup_max(top, local);
    if local == 0u {
        y[row] = select(select(sum, sum / f32(params.cols), params.kind == 1u), top, params.kind == 2u);
    }
}

// arg_max: y[r] = the index of the largest x[r, :], the lowest on ties
//
// One workgroup a row: each thread strides over the columns, then a tree.
// grid (rows, folded)

#import index
#import best
#import comparable

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // [rows, cols]
@group(0) @binding(2) var<storage, read_write> y: array<i32>; // [rows]

@compute @workgroup_size(256)
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
    var index = NO_INDEX;
    var top = 0.0;
    for (var c = local; c < params.cols; c += 256u) {
        let value = comparable(x[first + c]);
        if before(value, c, top, index) {
            top = value;
            index = c;
        }
    }
    workgroup_best(top, index, local);
    if local == 0u {
        y[row] = i32(min(best_index[0], params.cols - 1u));
    }
}

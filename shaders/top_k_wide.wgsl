// top_k: the k largest of x[r, :] in falling order with their indices, the lowest index first on ties
//
// The largest is searched again and again, each time behind the one before; one dispatch finds entries `start` to `end`
// of k.
// One workgroup a row: each thread strides over the columns, then a tree.
// grid (rows, folded)

#import index
#import comparable
#import best

struct Params { rows: u32, cols: u32, k: u32, start: u32, end: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;             // [rows, cols]
@group(0) @binding(2) var<storage, read_write> values: array<f32>;  // [rows, k]
@group(0) @binding(3) var<storage, read_write> indices: array<i32>; // [rows, k]

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
    var last = 0.0;
    var last_index = 0u;
    if params.start > 0u {
        last = values[row * params.k + params.start - 1u];
        last_index = u32(indices[row * params.k + params.start - 1u]);
    }
    for (var i = params.start; i < params.end; i++) {
        var top = 0.0;
        var index = NO_INDEX;
        for (var c = local; c < params.cols; c += 256u) {
            let value = comparable(x[first + c]);
            let behind = i == 0u || value < last || (value == last && c > last_index);
            if behind && before(value, c, top, index) {
                top = value;
                index = c;
            }
        }
        workgroup_best(top, index, local);
        last = best_value[0];
        last_index = best_index[0];
        if local == 0u {
            values[row * params.k + i] = last;
            indices[row * params.k + i] = i32(min(last_index, params.cols - 1u));
        }
    }
}

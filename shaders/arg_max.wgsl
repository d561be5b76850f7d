// arg_max: y[r] = the index of the largest x[r, :], the lowest on ties
//
// One thread a row, no barrier: for software adapters.
// grid (ceil(rows / 64), folded)

#import index
#import comparable

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // [rows, cols]
@group(0) @binding(2) var<storage, read_write> y: array<i32>; // [rows]

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
    var best = 0u;
    var top = comparable(x[first]);
    for (var c = 1u; c < params.cols; c++) {
        let value = comparable(x[first + c]);
        if value > top {
            top = value;
            best = c;
        }
    }
    y[row] = i32(best);
}

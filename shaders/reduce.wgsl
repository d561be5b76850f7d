// reduce: y[r] = sum, mean or max of x[r, :]
//
// One thread a row, no barrier: for software adapters.
// grid (ceil(rows / 64), folded)

#import index

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
    let row = flat(group, groups) * 64u + local;
    if row >= params.rows {
        return;
    }
    let first = row * params.cols;
    var sum = 0.0;
    var top = x[first];
    for (var c = 0u; c < params.cols; c++) {
        sum += x[first + c];
        top = max(top, x[first + c]);
    }
    y[row] = select(select(sum, sum / f32(params.cols), params.kind == 1u), top, params.kind == 2u);
}

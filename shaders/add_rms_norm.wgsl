// add_rms_norm: sum[r, :] = a[r, :] + b[r, :], y[r, :] = sum[r, :] / sqrt(mean(sum[r, :]^2) + eps) * weight
//
// One thread a row, no barrier: for software adapters.
// grid (ceil(rows / 64), folded)

#import index

struct Params { rows: u32, cols: u32, eps: f32, bias: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;         // [rows, cols]
@group(0) @binding(2) var<storage, read> b: array<f32>;         // [rows, cols]
@group(0) @binding(3) var<storage, read> weight: array<f32>;    // [cols]
@group(0) @binding(4) var<storage, read_write> sum: array<f32>; // [rows, cols]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;   // [rows, cols]

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
    var squares = 0.0;
    for (var c = 0u; c < params.cols; c++) {
        let value = a[first + c] + b[first + c];
        sum[first + c] = value;
        squares += value * value;
    }
    let factor = inverseSqrt(squares / f32(params.cols) + params.eps);
    for (var c = 0u; c < params.cols; c++) {
        y[first + c] = sum[first + c] * factor * weight[c];
    }
}

// What the cross-entropy kernels share.
struct Params { rows: u32, cols: u32, smoothing: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // [rows, cols]
@group(0) @binding(2) var<storage, read> targets: array<i32>;    // [rows]
@group(0) @binding(3) var<storage, read_write> loss: array<f32>; // [rows]
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;  // [rows]

// From the largest logit, and the sums of exponentials and of logits relative to it.
fn finish(row: u32, top: f32, sums: vec2f) {
    let total = log(sums.x);
    lse[row] = top + total;
    let target_class = targets[row];
    if target_class < 0 || u32(target_class) >= params.cols {
        loss[row] = 0.0;
        return;
    }
    let chosen = x[row * params.cols + u32(target_class)] - top;
    loss[row] = total - (1.0 - params.smoothing) * chosen - params.smoothing * (sums.y / f32(params.cols));
}

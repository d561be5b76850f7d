// softmax_cross_entropy_grad: dx[r, c] = dloss[r] ((1 - s) (p - [c = target]) + s (p - 1 / cols))
//
// p = exp(x[r, c] - lse[r]). One thread an element; rows whose target is outside get zeros.
// grid (ceil(rows * cols / 64), folded)

#import index

struct Params { rows: u32, cols: u32, smoothing: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // [rows, cols]
@group(0) @binding(2) var<storage, read> targets: array<i32>;  // [rows]
@group(0) @binding(3) var<storage, read> lse: array<f32>;      // [rows]
@group(0) @binding(4) var<storage, read> dloss: array<f32>;    // [rows]
@group(0) @binding(5) var<storage, read_write> dx: array<f32>; // [rows, cols]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    let row = i / params.cols;
    if row >= params.rows {
        return;
    }
    let target_class = targets[row];
    if target_class < 0 || u32(target_class) >= params.cols {
        dx[i] = 0.0;
        return;
    }
    let chosen = select(0.0, 1.0, i % params.cols == u32(target_class));
    let prob = exp(clamp(x[i] - lse[row], -87.0, 87.0));
    let smoothed = params.smoothing * (prob - 1.0 / f32(params.cols));
    dx[i] = dloss[row] * ((1.0 - params.smoothing) * (prob - chosen) + smoothed);
}

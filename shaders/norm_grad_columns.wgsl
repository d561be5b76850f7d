// rms_norm_grad, layer_norm_grad: sums over some rows of dy u and of dy, u being x as the norm leaves it to weight
//
// One thread a column and every chunks-th row; sum_to adds the chunks to dweight and dbias.
// grid (ceil(chunks * cols / 64), folded)

#import index

struct Params { rows: u32, cols: u32, chunks: u32, bias: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // [rows, cols]
@group(0) @binding(2) var<storage, read> dy: array<f32>;         // [rows, cols]
@group(0) @binding(3) var<storage, read> rows: array<vec2f>;     // [rows], what is subtracted and the factor of a row
@group(0) @binding(4) var<storage, read_write> sums: array<f32>; // [chunks, 1 + bias, cols]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    let chunk = i / params.cols;
    if chunk >= params.chunks {
        return;
    }
    let column = i % params.cols;
    var sum = vec2f();
    for (var r = chunk; r < params.rows; r += params.chunks) {
        let at = r * params.cols + column;
        sum += dy[at] * vec2f((x[at] - rows[r].x) * rows[r].y, 1.0);
    }
    let at = chunk * (1u + params.bias) * params.cols + column;
    sums[at] = sum.x;
    if params.bias == 1u {
        sums[at + params.cols] = sum.y;
    }
}

// add_rms_norm: sum[r, :] = a[r, :] + b[r, :], y[r, :] = sum[r, :] / sqrt(mean(sum[r, :]^2) + eps) * weight
//
// One workgroup a row: each thread strides over the columns, then a tree sum.
// grid (rows, folded)

#import index
#import sum

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
    let row = flat(group, groups);
    if row >= params.rows {
        return;
    }
    let first = row * params.cols;
    var part = vec4f();
    // Four values a turn, whose reads do not wait for each other.
    for (var c = local; c < params.cols; c += 256u) {
        let columns = c + vec4u(0u, 64u, 128u, 192u);
        let i = first + min(columns, vec4u(params.cols - 1u));
        let values = vec4f(a[i.x], a[i.y], a[i.z], a[i.w]) + vec4f(b[i.x], b[i.y], b[i.z], b[i.w]);
        let inside = columns < vec4u(params.cols);
        part += select(vec4f(), values * values, inside);
        sum[i.x] = values.x;
        if inside.y { sum[i.y] = values.y; }
        if inside.z { sum[i.z] = values.z; }
        if inside.w { sum[i.w] = values.w; }
    }
    let all = workgroup_sum((part.x + part.y) + (part.z + part.w), local);
    let factor = inverseSqrt(all / f32(params.cols) + params.eps);
    for (var c = local; c < params.cols; c += 256u) {
        let columns = c + vec4u(0u, 64u, 128u, 192u);
        let i = first + min(columns, vec4u(params.cols - 1u));
        let inside = columns < vec4u(params.cols);
        let j = min(columns, vec4u(params.cols - 1u));
        let values = vec4f(sum[i.x], sum[i.y], sum[i.z], sum[i.w]) * factor
            * vec4f(weight[j.x], weight[j.y], weight[j.z], weight[j.w]);
        y[i.x] = values.x;
        if inside.y { y[i.y] = values.y; }
        if inside.z { y[i.z] = values.z; }
        if inside.w { y[i.w] = values.w; }
    }
}

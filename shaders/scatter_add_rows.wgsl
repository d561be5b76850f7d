// scatter_add_rows: y[ids[i], :] = the sum of values[i, :] over all i with this id, in their order
//
// One thread a column of an id that no id before it equals; it follows the links to all others. Nobody else writes this
// row, so the sum needs no atomics and its order is fixed.
// grid (ceil(n * cols / 64), folded)

#import index

struct Params { n: u32, rows: u32, cols: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<i32>;     // [n]
@group(0) @binding(2) var<storage, read> links: array<u32>;   // [n], by scatter_add_rows_links
@group(0) @binding(3) var<storage, read> values: array<f32>;  // [n, cols]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [rows, cols], zeros

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = flat(group, groups) * 64u + local;
    let i = thread / params.cols;
    if i >= params.n || (links[i] & 1u) == 0u {
        return;
    }
    let column = thread % params.cols;
    var sum = values[i * params.cols + column];
    var link = links[i] / 2u;
    while link > 0u {
        sum += values[(link - 1u) * params.cols + column];
        link = links[link - 1u] / 2u;
    }
    y[u32(ids[i]) * params.cols + column] = sum;
}

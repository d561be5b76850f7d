// rope: (x1, x2) -> scale (x1 cos a - x2 sin a, x2 cos a + x1 sin a) with a = positions[b, t] * inv_freq[i]
//
// One thread a pair. The pair i is elements (i, i + half) or, interleaved, (2i, 2i + 1); what is not turned is copied
// by the threads behind the pairs. (Su et al. 2021, arXiv:2104.09864)
// grid (ceil(rows * (dim - half) / 64), folded)

#import index
#import turn

struct Params {
    rows: u32,         // B T H
    heads: u32,
    dim: u32,
    half: u32,         // pairs
    interleaved: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // [B, T, H, D]
@group(0) @binding(2) var<storage, read> positions: array<i32>;  // [B, T]
@group(0) @binding(3) var<storage, read> inv_freq: array<f32>;   // [half]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;    // [B, T, H, D]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let items = params.dim - params.half;
    let thread = flat(group, groups) * 64u + local;
    let row = thread / items;
    if row >= params.rows {
        return;
    }
    let i = thread % items;
    let first = row * params.dim;
    if i >= params.half {
        y[first + params.half + i] = x[first + params.half + i];
        return;
    }
    let angle = f32(positions[row / params.heads]) * inv_freq[i];
    let turn = circle(angle) * params.scale;
    let at = first + select(i, 2u * i, params.interleaved == 1u);
    let other = select(at + params.half, at + 1u, params.interleaved == 1u);
    y[at] = x[at] * turn.x - x[other] * turn.y;
    y[other] = x[other] * turn.x + x[at] * turn.y;
}

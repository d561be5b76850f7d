// rope_append: rope of k, then kv_append: keys[b, past[b] + t] = rope(k[b, t]), values[b, past[b] + t] = v[b, t]
//
// One thread a pair of k, as in `rope`, and the two values of v at the same places.
// grid (ceil(batch * tokens * heads * (dim - half) / 64), folded)

#import index
#import pages

struct Params {
    batch: u32,
    tokens: u32,
    heads: u32,        // G
    dim: u32,          // D
    half: u32,         // pairs
    interleaved: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> k: array<f32>;            // [B, T, G, D]
@group(0) @binding(2) var<storage, read> v: array<f32>;            // [B, T, G, D]
@group(0) @binding(3) var<storage, read> positions: array<i32>;    // [B, T]
@group(0) @binding(4) var<storage, read> inv_freq: array<f32>;     // [half]
@group(0) @binding(5) var<storage, read> past: array<i32>;         // [B]
@group(1) @binding(0) var<storage, read_write> keys: array<f32>;   // [pages, PAGE, G, D]
@group(1) @binding(1) var<storage, read_write> values: array<f32>; // [pages, PAGE, G, D]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let items = params.dim - params.half;
    let thread = flat(group, groups) * 64u + local;
    let row = thread / items;
    let token = row / params.heads;
    if token >= params.batch * params.tokens {
        return;
    }
    let i = thread % items;
    let b = token / params.tokens;
    let s = u32(past[b]) + token % params.tokens;
    let first = row * params.dim;
    let to = (token_place(b, s) * params.heads + row % params.heads) * params.dim;
    if i >= params.half {
        // What is not turned.
        let d = params.half + i;
        keys[to + d] = k[first + d];
        values[to + d] = v[first + d];
        return;
    }
    let d = select(i, 2u * i, params.interleaved == 1u);
    let e = select(i + params.half, 2u * i + 1u, params.interleaved == 1u);
    let angle = f32(positions[token]) * inv_freq[i];
    let c = cos(angle) * params.scale;
    let n = sin(angle) * params.scale;
    keys[to + d] = k[first + d] * c - k[first + e] * n;
    keys[to + e] = k[first + e] * c + k[first + d] * n;
    values[to + d] = v[first + d];
    values[to + e] = v[first + e];
}

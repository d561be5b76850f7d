// rope_append: rope of q, rope of k into the cache at past[b] + t, v into the cache
//
// One thread a pair of q or, behind those, a pair of k as in `rope` and the two values of v at the same places. past[b]
// is what the row holds after this run less the tokens of this run.
// grid (ceil(batch * tokens * (q_heads + heads) * (dim - half) / 64), folded)

#import index
#import turn
#import pages

struct Params {
    batch: u32,
    tokens: u32,
    heads: u32,        // G
    q_heads: u32,      // H
    dim: u32,          // D
    half: u32,         // pairs
    interleaved: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;           // [B, T, H, D]
@group(0) @binding(2) var<storage, read> k: array<f32>;           // [B, T, G, D]
@group(0) @binding(3) var<storage, read> v: array<f32>;           // [B, T, G, D]
@group(0) @binding(4) var<storage, read> positions: array<i32>;   // [B, T]
@group(0) @binding(5) var<storage, read> inv_freq: array<f32>;    // [half]
@group(0) @binding(6) var<storage, read_write> out: array<f32>;   // [B, T, H, D], turned q
@group(1) @binding(0) var<storage, read_write> pages: array<f32>; // [pages, 2, PAGE, G, D]

// The two places of pair i in a head.
fn places(i: u32) -> vec2u {
    return select(vec2u(i, i + params.half), vec2u(2u * i, 2u * i + 1u), params.interleaved == 1u);
}

fn turned(pair: vec2f, token: u32, i: u32) -> vec2f {
    let angle = f32(positions[token]) * inv_freq[i];
    let turn = circle(angle) * params.scale;
    return vec2f(pair.x * turn.x - pair.y * turn.y, pair.y * turn.x + pair.x * turn.y);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let items = params.dim - params.half;
    let thread = flat(group, groups) * 64u + local;
    let heads = params.q_heads + params.heads;
    let token = thread / (items * heads);
    if token >= params.batch * params.tokens {
        return;
    }
    let i = thread % items;
    let head = thread / items % heads;
    // What is not turned is copied one by one.
    let at = select(places(i), vec2u(params.half + i), i >= params.half);
    if head < params.q_heads {
        let first = (token * params.q_heads + head) * params.dim;
        var pair = vec2f(q[first + at.x], q[first + at.y]);
        if i < params.half {
            pair = turned(pair, token, i);
        }
        out[first + at.x] = pair.x;
        out[first + at.y] = pair.y;
        return;
    }
    let g = head - params.q_heads;
    let first = (token * params.heads + g) * params.dim;
    let b = token / params.tokens;
    let s = row_len(b) - params.tokens + token % params.tokens;
    let to = (token_place(b, s) * params.heads + g) * params.dim;
    let behind = PAGE * params.heads * params.dim;
    var pair = vec2f(k[first + at.x], k[first + at.y]);
    if i < params.half {
        pair = turned(pair, token, i);
    }
    pages[to + at.x] = pair.x;
    pages[to + at.y] = pair.y;
    pages[to + behind + at.x] = v[first + at.x];
    pages[to + behind + at.y] = v[first + at.y];
}

// What the gradients of attention share: parameters, and what one query and one key give.
#import act

struct Params {
    bias_strides: vec4u,  // of b, h, t, s; 0 broadcasts
    batch: u32,
    tokens: u32,          // T
    heads: u32,           // H
    kv_heads: u32,        // G
    dim: u32,             // D
    keys: u32,            // S
    k_batch: u32,         // 1 if all rows read the keys of row 0, else B
    flags: u32,           // 1 causal, 2 past, 4 bias, 8 the gradient of scores is wanted
    window: u32,          // 0xffffffff for none
    scale: f32,
    soft_cap: f32,        // 0 for none
}

// A bias at or below hides its key.
const HIDDEN = -1e30;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;       // [B, T, H, D]
@group(0) @binding(2) var<storage, read> k: array<f32>;       // [B or 1, S, G, D]
@group(0) @binding(3) var<storage, read> v: array<f32>;       // [B or 1, S, G, D]
@group(0) @binding(4) var<storage, read> dout: array<f32>;    // [B, T, H, D]
// [B, T, H] the bits of lse and of out.dout, the first key that the query sees and one past the last
@group(0) @binding(5) var<storage, read> queries: array<vec4u>;
@group(0) @binding(6) var<storage, read> bias: array<f32>;    // broadcast over [B, H, T, S] or unused

// A query's place among the heads.
struct Query { b: u32, t: u32, h: u32 }

fn query_of(i: u32) -> Query {
    let row = i / params.heads;
    return Query(row / params.tokens, row % params.tokens, i % params.heads);
}

// The place of key s of head g in k and v.
fn key_place(b: u32, s: u32, g: u32) -> u32 {
    return ((min(b, params.k_batch - 1u) * params.keys + s) * params.kv_heads + g) * params.dim;
}

// What a query and a key give.
struct Pair {
    prob: f32,
    score: f32,    // the gradient of the score after cap and bias
    product: f32,  // the gradient of q.k
}

// Query i and key s, of which q.k and dout.v are known.
fn pair_of(i: u32, s: u32, both: vec2f) -> Pair {
    var score = params.scale * both.x;
    var slope = params.scale;
    if params.soft_cap > 0.0 {
        let t = tanh_safe(score / params.soft_cap);
        score = params.soft_cap * t;
        slope *= 1.0 - t * t;
    }
    if (params.flags & 4u) != 0u {
        let at = query_of(i);
        let strides = params.bias_strides;
        let added = bias[at.b * strides.x + at.h * strides.y + at.t * strides.z + s * strides.w];
        if added <= HIDDEN {
            return Pair(0.0, 0.0, 0.0);
        }
        score += added;
    }
    let prob = exp_safe(score - bitcast<f32>(queries[i].x));
    // Of the only key that a query sees the two are the same, but for the order of their sums.
    let alone = queries[i].w - queries[i].z == 1u;
    let gradient = select(prob * (both.y - bitcast<f32>(queries[i].y)), 0.0, alone);
    return Pair(prob, gradient, gradient * slope);
}
